package sim

import (
	"strconv"
	"strings"
	"time"
)

// parser is that of the HTML standard (section 9.2.6), fed byte by byte.
type parser struct {
	line           []byte
	afterCR        bool
	name, data, id string
	hasData, hasID bool
	retry          time.Duration
}

// feed takes a byte and says whether it ended a block.
func (p *parser) feed(b byte) (ended bool) {
	if p.afterCR && b == '\n' {
		p.afterCR = false
		return false
	}
	p.afterCR = b == '\r'
	if b != '\n' && b != '\r' {
		p.line = append(p.line, b)
		return false
	}
	line := string(p.line)
	p.line = p.line[:0]
	if line == "" {
		return true
	}
	field, value, _ := strings.Cut(line, ":")
	value = strings.TrimPrefix(value, " ")
	switch field {
	case "event":
		p.name = value
	case "data":
		if p.hasData {
			p.data += "\n"
		}
		p.data += value
		p.hasData = true
	case "id":
		if !strings.Contains(value, "\x00") {
			p.id, p.hasID = value, true
		}
	case "retry":
		if ms, err := strconv.Atoi(value); err == nil && ms >= 0 {
			p.retry = time.Duration(ms) * time.Millisecond
		}
	}
	return false
}
