package ddb

import (
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// Numbers are kept in the notation in which AWS answers them: plain decimal, no
// leading zeros, no trailing zeros of a fraction, no "-0". So equal numbers have equal text.

const (
	maxDigits   = 38   // significant digits, AWS
	maxExponent = 125  // 9.99…E+125 is the largest magnitude, AWS
	minExponent = -130 // 1E-130 the smallest but zero, AWS
)

// canonicalNumber checks and normalises a number as clients write it.
func canonicalNumber(text string) (string, error) {
	if plainInteger(text) {
		return text, nil
	}
	d, ok := parseDecimal(text)
	if !ok {
		if text == "" {
			return "", invalid("The parameter cannot be converted to a numeric value")
		}
		return "", invalid("The parameter cannot be converted to a numeric value: %s", text)
	}
	return d.canonical()
}

// plainInteger is the short way for what nearly all numbers are.
func plainInteger(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || len(digits) > 18 || digits[0] == '0' && text != "0" {
		return false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return true
}

// decimal is 0.digits · 10^point; digits without zeros at either end, "" for zero.
type decimal struct {
	negative bool
	digits   string
	point    int
}

func parseDecimal(text string) (d decimal, ok bool) {
	rest := text
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		d.negative = rest[0] == '-'
		rest = rest[1:]
	}
	mantissa := rest
	exponent := 0
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		e, err := strconv.Atoi(rest[i+1:])
		if err != nil {
			return d, false
		}
		mantissa, exponent = rest[:i], max(-1_000_000, min(e, 1_000_000)) // far out of range anyway
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return d, false
	}
	d.point = len(whole) + exponent
	trimmed := strings.TrimLeft(digits, "0")
	d.point -= len(digits) - len(trimmed)
	d.digits = strings.TrimRight(trimmed, "0")
	return d, true
}

func (d decimal) canonical() (string, error) {
	if d.digits == "" {
		return "0", nil
	}
	switch exponent := d.point - 1; {
	case len(d.digits) > maxDigits:
		return "", invalid("Attempting to store more than 38 significant digits in a Number")
	case exponent > maxExponent:
		return "", invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case exponent < minExponent:
		return "", invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	}
	var b strings.Builder
	if d.negative {
		b.WriteByte('-')
	}
	n := len(d.digits)
	switch {
	case d.point <= 0:
		b.WriteString("0.")
		b.WriteString(strings.Repeat("0", -d.point))
		b.WriteString(d.digits)
	case d.point >= n:
		b.WriteString(d.digits)
		b.WriteString(strings.Repeat("0", d.point-n))
	default:
		b.WriteString(d.digits[:d.point])
		b.WriteByte('.')
		b.WriteString(d.digits[d.point:])
	}
	return b.String(), nil
}

// compareNumbers orders two canonical numbers without parsing them.
func compareNumbers(a, b string) int {
	aNeg, bNeg := strings.HasPrefix(a, "-"), strings.HasPrefix(b, "-")
	switch {
	case aNeg && bNeg:
		return compareMagnitudes(b[1:], a[1:])
	case aNeg:
		return -1
	case bNeg:
		return 1
	}
	return compareMagnitudes(a, b)
}

func compareMagnitudes(a, b string) int {
	aWhole, aFraction, _ := strings.Cut(a, ".")
	bWhole, bFraction, _ := strings.Cut(b, ".")
	if len(aWhole) != len(bWhole) {
		return len(aWhole) - len(bWhole)
	}
	if c := strings.Compare(aWhole, bWhole); c != 0 {
		return c
	}
	return strings.Compare(aFraction, bFraction) // a shorter fraction is a smaller one
}

// exact holds every sum of two numbers in range: 126 + 130 + 38 digits.
var exact = apd.BaseContext.WithPrecision(300)

// addNumbers returns a + b, or a - b if subtract is set.
func addNumbers(a, b string, subtract bool) (string, error) {
	if len(a) < 18 && len(b) < 18 {
		x, errX := strconv.ParseInt(a, 10, 64)
		y, errY := strconv.ParseInt(b, 10, 64)
		if errX == nil && errY == nil {
			if subtract {
				y = -y
			}
			return strconv.FormatInt(x+y, 10), nil
		}
	}
	var x, y, sum apd.Decimal
	if _, _, err := x.SetString(a); err != nil {
		return "", err
	}
	if _, _, err := y.SetString(b); err != nil {
		return "", err
	}
	if subtract {
		y.Neg(&y)
	}
	if _, err := exact.Add(&sum, &x, &y); err != nil {
		return "", err
	}
	return canonicalNumber(sum.Text('f'))
}

// numberSize follows the AWS developer guide: a byte for each two significant
// digits, and one more; negative numbers take one more again.
func numberSize(n string) int {
	d, _ := parseDecimal(n)
	size := (len(d.digits)+1)/2 + 1
	if d.negative {
		size++
	}
	return size
}

// appendSortable appends bytes whose order is that of the numbers: the sign, the
// exponent, then the digits, all complemented for negative numbers.
func appendSortable(b []byte, n string) []byte {
	d, _ := parseDecimal(n)
	if d.digits == "" {
		return append(b, 0x80)
	}
	if !d.negative {
		b = append(b, 0xC0, byte(d.point-1-minExponent))
		return append(b, d.digits...)
	}
	b = append(b, 0x40, ^byte(d.point-1-minExponent))
	for i := range len(d.digits) {
		b = append(b, ^d.digits[i])
	}
	// The end of the digits must come after any further digit here.
	return append(b, 0xFF)
}
