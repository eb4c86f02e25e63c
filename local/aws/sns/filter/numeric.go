package filter

import "encoding/json"

// maxNumber is the range in which SNS compares numbers: ±10^9.
const maxNumber = 1e9

// numeric compiles ["=", n], or one or two bounds such as [">=", low, "<", high].
func numeric(arg any) (condition, error) {
	list, ok := arg.([]any)
	if !ok || len(list) == 0 {
		return condition{}, reason("Invalid member in numeric match: numeric match pattern must be a list")
	}
	if len(list) > 4 {
		return condition{}, reason("Too many elements in numeric expression")
	}
	if len(list)%2 != 0 {
		return condition{}, reason("Value of %v must be numeric", list[len(list)-1])
	}
	var bounds []func(float64) bool
	var ops []string
	var values []float64
	for i := 0; i < len(list); i += 2 {
		op, _ := list[i].(string)
		n, isNumber := list[i+1].(json.Number)
		compare, known := comparisons[op]
		if !known {
			return condition{}, reason("Unrecognized numeric range operator: %v", list[i])
		}
		if !isNumber {
			return condition{}, reason("Value of %s must be numeric", op)
		}
		f, err := n.Float64()
		if err != nil || f < -maxNumber || f > maxNumber {
			return condition{}, reason("Value must be between -1.0E9 and 1.0E9, inclusive")
		}
		ops, values = append(ops, op), append(values, f)
		bounds = append(bounds, func(v float64) bool { return compare(v, f) })
	}
	if len(ops) == 2 {
		if ops[0][0] != '>' || ops[1][0] != '<' {
			return condition{}, reason("Bad numeric range operator: %s", ops[1])
		}
		if values[0] >= values[1] {
			return condition{}, reason("Bottom must be less than top")
		}
	}
	return condition{match: func(v any) bool {
		f, ok := v.(float64)
		for _, within := range bounds {
			ok = ok && within(f)
		}
		return ok
	}}, nil
}

var comparisons = map[string]func(v, bound float64) bool{
	"=":  func(v, bound float64) bool { return v == bound },
	"<":  func(v, bound float64) bool { return v < bound },
	"<=": func(v, bound float64) bool { return v <= bound },
	">":  func(v, bound float64) bool { return v > bound },
	">=": func(v, bound float64) bool { return v >= bound },
}
