package stream

import (
	"iter"
	"strconv"
	"strings"
)

// acceptsEvents says whether the Accept header allows text/event-stream. Without
// one everything is accepted.
func acceptsEvents(accept []string) bool {
	if len(accept) == 0 {
		return true
	}
	best, allowed := -1, false // the most specific range decides
	for part := range elements(accept) {
		rng, params, _ := strings.Cut(part, ";")
		specific := -1
		switch strings.ToLower(strings.TrimSpace(rng)) {
		case "text/event-stream":
			specific = 2
		case "text/*":
			specific = 1
		case "*/*":
			specific = 0
		}
		if specific > best {
			best, allowed = specific, quality(params) > 0
		}
	}
	return allowed
}

// acceptsGzip says whether the Accept-Encoding header prefers gzip to none, which
// without a word of it is as good as anything (RFC 9110 section 12.5.3).
func acceptsGzip(accept []string) bool {
	gzip, identity, others := -1.0, -1.0, -1.0 // not named
	for part := range elements(accept) {
		coding, params, _ := strings.Cut(part, ";")
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			gzip = max(gzip, quality(params))
		case "identity":
			identity = quality(params)
		case "*":
			others = quality(params)
		}
	}
	if gzip < 0 {
		gzip = others
	}
	return gzip > 0 && gzip >= identity
}

// elements are those of a list header, over all its lines.
func elements(lines []string) iter.Seq[string] {
	return strings.SplitSeq(strings.Join(lines, ","), ",")
}

// quality is the weight in the parameters of an element, 1 if there is none or it is no
// number: who names a thing knows it.
func quality(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(p, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		if q, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil {
			return q
		}
	}
	return 1
}
