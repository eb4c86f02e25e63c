package ddb

import (
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCanonicalNumber(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "+0.000": "0", "0e99": "0", "1": "1", "-1": "-1", "+1": "1", "007": "7",
		"1.50": "1.5", "1.0": "1", "100": "100", "1e3": "1000", "1E+3": "1000", "12.5e1": "125", "12.5e-3": "0.0125",
		".5": "0.5", "5.": "5", "-0.0010": "-0.001", "123456789012345678901234567890": "123456789012345678901234567890",
		strings.Repeat("1", 38) + "000": strings.Repeat("1", 38) + "000",
		"1e125":                         "1" + strings.Repeat("0", 125),
		"0.1e-129":                      "0." + strings.Repeat("0", 129) + "1",
	} {
		if got, err := canonicalNumber(text); err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestCanonicalNumber_Err(t *testing.T) {
	for text, want := range map[string]string{
		"": "cannot be converted", "-": "cannot be converted", ".": "cannot be converted", "1e": "cannot be converted",
		"1e1.5": "cannot be converted", "0x1": "cannot be converted", "1_0": "cannot be converted", "1,5": "cannot be converted",
		"NaN": "cannot be converted", "1.2.3": "cannot be converted", "--1": "cannot be converted", "１": "cannot be converted",
		strings.Repeat("1", 39): "38 significant", "1e126": "overflow", "1e-131": "underflow", "-1e999999999": "overflow",
		"1e-999999999999999999999": "cannot be converted",
	} {
		if got, err := canonicalNumber(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is %s, %v; want an error with %q", text, got, err, want)
		}
	}
}

// drawNumber draws canonical numbers of all lengths and magnitudes.
func drawNumber(t *rapid.T, label string) string {
	text := rapid.StringMatching(`-?[0-9]{1,19}(\.[0-9]{1,18})?(e-?[0-9]{1,2})?`).Draw(t, label)
	n, err := canonicalNumber(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return n
}

func rat(n string) *big.Rat {
	r, ok := new(big.Rat).SetString(n)
	if !ok {
		panic(n)
	}
	return r
}

// The order of numbers as text, of their sort keys, and that of arithmetic agree.
func TestNumbersOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawNumber(t, "a"), drawNumber(t, "b")
		want := rat(a).Cmp(rat(b))
		if got := compareNumbers(a, b); sign(got) != want {
			t.Fatalf("compareNumbers(%s, %s) = %d", a, b, got)
		}
		va, vb := numberValue(a), numberValue(b)
		ka, kb := appendComponent(nil, va), appendComponent(nil, vb)
		if got := slices.Compare(append(ka, componentEnd...), append(kb, componentEnd...)); got != want {
			t.Fatalf("keys of %s and %s compare %d", a, b, got)
		}
	})
}

func sign(n int) int { return min(1, max(-1, n)) }

func TestAddNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawNumber(t, "a"), drawNumber(t, "b")
		want := new(big.Rat).Add(rat(a), rat(b))
		got, err := addNumbers(a, b, false)
		if err != nil {
			if digits := strings.Trim(strings.ReplaceAll(want.FloatString(200), ".", ""), "-0"); len(digits) <= 38 {
				t.Fatalf("%s + %s: %v, though the sum has %d digits", a, b, err, len(digits))
			}
			return
		}
		if rat(got).Cmp(want) != 0 {
			t.Fatalf("%s + %s = %s", a, b, got)
		}
		if back, err := addNumbers(got, b, true); err == nil && back != a {
			t.Fatalf("%s - %s = %s", got, b, back)
		}
	})
}

func TestNumberSize(t *testing.T) {
	for n, want := range map[string]int{"0": 1, "1": 2, "12": 2, "123": 3, "-123": 4, "1000": 2, "0.001": 2, strings.Repeat("9", 38): 20} {
		if got := numberSize(n); got != want {
			t.Errorf("size of %s is %d, want %d", n, got, want)
		}
	}
}

// Keys order by their components, whatever bytes those have.
func TestRowKeysOrder(t *testing.T) {
	keys := keySchema{hash: keyAttribute{"p", kindB}, sort: keyAttribute{"s", kindB}}
	sortKey := func(s string) string {
		return keys.rowKey(item{"p": {kind: kindB, str: "\x00p"}, "s": {kind: kindB, str: s}})
	}
	rapid.Check(t, func(t *rapid.T) {
		bytes := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 0xFE, 0xFF}), 0, 5)
		a, b := string(bytes.Draw(t, "a")), string(bytes.Draw(t, "b"))
		if got, want := strings.Compare(sortKey(a), sortKey(b)), strings.Compare(a, b); got != want {
			t.Fatalf("keys of %x and %x compare %d", a, b, got)
		}
	})
}
