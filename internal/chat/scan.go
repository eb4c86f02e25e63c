package chat

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// scanner reads JSON in the one form in which encoding/json writes our structs: no
// spaces, the fields in their order. What has another form fails, and is left to
// encoding/json; so a scanner is a faster way to the same value (TestScan) and needs no
// errors of its own.
type scanner struct {
	rest   []byte
	failed bool
}

// maxDigits is how many an integer may have here: any of them is an int64.
const maxDigits = 18

// scan reads the whole of b.
func scan[T any](b []byte, read func(*scanner) T) (T, bool) {
	s := scanner{rest: b}
	v := read(&s)
	return v, !s.failed && len(s.rest) == 0
}

// bodyOf is the body of an entry.
func bodyOf[T any](e Entry, read func(*scanner) T) (T, error) {
	if b, ok := scan(e.Body, read); ok {
		return b, nil
	}
	var b T
	err := e.decode(&b)
	return b, err
}

// fail leaves nothing that could be read.
func (s *scanner) fail() { s.failed, s.rest = true, nil }

// next takes what comes next if it is that.
func (s *scanner) next(text string) bool {
	if len(s.rest) < len(text) || string(s.rest[:len(text)]) != text {
		return false
	}
	s.rest = s.rest[len(text):]
	return true
}

func (s *scanner) must(text string) {
	if !s.next(text) {
		s.fail()
	}
}

// integer reads one that isn't negative.
func (s *scanner) integer() int64 {
	n, v := 0, int64(0)
	for n < len(s.rest) && '0' <= s.rest[n] && s.rest[n] <= '9' && n <= maxDigits {
		v = 10*v + int64(s.rest[n]-'0')
		n++
	}
	if n == 0 || n > maxDigits || n > 1 && s.rest[0] == '0' {
		s.fail()
		return 0
	}
	s.rest = s.rest[n:]
	return v
}

// text reads a string.
func (s *scanner) text() (text string) {
	escaped := false
	for i := 1; i < len(s.rest) && s.rest[0] == '"' && s.rest[i] >= ' '; i++ {
		switch s.rest[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			quoted := s.rest[:i+1]
			s.rest = s.rest[i+1:]
			if !escaped && utf8.Valid(quoted) {
				return string(quoted[1:i])
			}
			if json.Unmarshal(quoted, &text) != nil {
				s.fail()
			}
			return text
		}
	}
	s.fail()
	return ""
}

// list reads the items up to the list's end; its beginning has been taken.
func list[T any](s *scanner, item func(*scanner) T) (l []T) {
	for !s.failed {
		l = append(l, item(s))
		if s.next("]") {
			break
		}
		s.must(",")
	}
	return l
}

// ScanEntry reads an entry in the form in which encoding/json writes it, and says whether
// it has that form and nothing follows. (A body may be two levels deeper than the 9,998
// that encoding/json allows there.)
func ScanEntry(b []byte) (Entry, bool) { return scan(b, (*scanner).entry) }

func (s *scanner) entry() (e Entry) {
	s.must(`{"log":`)
	e.Log = LogID(s.text())
	s.must(`,"seq":`)
	e.Seq = s.integer()
	s.must(`,"ts":`)
	e.TS = s.integer()
	s.must(`,"kind":`)
	e.Kind = EntryKind(s.text())
	if s.next(`,"by":`) {
		e.By = s.user()
	}
	if s.next(`,"adds":[`) {
		e.Adds = list(s, (*scanner).user)
	}
	if s.next(`,"removes":[`) {
		e.Removes = list(s, (*scanner).user)
	}
	if s.next(`,"n":`) {
		e.N = s.integer()
	}
	if s.next(`,"body":`) {
		e.Body = s.object()
	}
	s.must("}")
	return e
}

// object reads a JSON object that is all but the last brace of what is left.
func (s *scanner) object() json.RawMessage {
	b, ok := bytes.CutSuffix(s.rest, []byte("}"))
	if !ok || !bytes.HasPrefix(b, []byte("{")) || !bytes.HasSuffix(b, []byte("}")) || !json.Valid(b) {
		s.fail()
		return nil
	}
	s.rest = s.rest[len(b):]
	return bytes.Clone(b)
}

func (s *scanner) user() UserID { return UserID(s.integer()) }

func (s *scanner) userRef() (u UserRef) {
	s.must(`{"id":`)
	u.ID = s.user()
	s.must(`,"username":`)
	u.Username = s.text()
	s.must(`,"displayName":`)
	u.DisplayName = s.text()
	s.must("}")
	return u
}

func (s *scanner) groupState() (g GroupState) {
	s.must(`{"name":`)
	g.Name = s.text()
	s.must(`,"ownerId":`)
	g.OwnerID = s.user()
	s.must(`,"memberCount":`)
	g.MemberCount = int(s.integer())
	s.must("}")
	return g
}

func (s *scanner) messageBody() (b MessageBody) {
	s.must(`{"sender":`)
	b.Sender = s.userRef()
	s.must(`,"content":`)
	b.Content = s.text()
	if s.next(`,"members":[`) {
		b.Members = list(s, (*scanner).userRef)
	}
	if s.next(`,"group":`) {
		g := s.groupState()
		b.Group = &g
	}
	s.must("}")
	return b
}

func (s *scanner) groupBody() (b GroupBody) {
	s.must(`{"group":`)
	b.Group = s.groupState()
	if s.next(`,"members":[`) {
		b.Members = list(s, (*scanner).userRef)
	}
	if s.next(`,"member":`) {
		u := s.userRef()
		b.Member = &u
	}
	s.must("}")
	return b
}

func (s *scanner) readBody() (b ReadBody) {
	s.must(`{"log":`)
	b.Log = LogID(s.text())
	s.must(`,"message":`)
	b.Message = s.integer()
	s.must(`,"readCount":`)
	b.ReadCount = s.integer()
	s.must("}")
	return b
}
