package sns

import (
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tidings/local/aws/wire"
)

const xmlns = "http://sns.amazonaws.com/doc/2010-03-31/"

// result builds the XML inside an answer's Result element.
type result struct{ b *strings.Builder }

func newResult() result { return result{&strings.Builder{}} }

func (r result) open(name string)  { r.b.WriteString("<" + name + ">") }
func (r result) close(name string) { r.b.WriteString("</" + name + ">") }

func (r result) text(name, value string) {
	r.open(name)
	_ = xml.EscapeText(r.b, []byte(value)) // a strings.Builder takes all
	r.close(name)
}

// attributes writes a map as AWS does: entries of key and value.
func (r result) attributes(m map[string]string) {
	r.open("Attributes")
	for _, k := range slices.Sorted(maps.Keys(m)) {
		r.open("entry")
		r.text("key", k)
		r.text("value", m[k])
		r.close("entry")
	}
	r.close("Attributes")
}

// answer writes the result of an action.
func answer(w http.ResponseWriter, action string, out result) {
	var b strings.Builder
	id := wire.RequestID()
	b.WriteString("<" + action + `Response xmlns="` + xmlns + `">`)
	b.WriteString("<" + action + "Result>")
	if out.b != nil {
		b.WriteString(out.b.String())
	}
	b.WriteString("</" + action + "Result><ResponseMetadata><RequestId>" + id + "</RequestId></ResponseMetadata></" + action + "Response>")
	write(w, http.StatusOK, id, b.String())
}

// Refuse answers with an error of the Query protocol.
func Refuse(w http.ResponseWriter, status int, code, message string) {
	id := wire.RequestID()
	r := newResult()
	kind := "Sender"
	if status >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	r.b.WriteString(`<ErrorResponse xmlns="` + xmlns + `"><Error>`)
	r.text("Type", kind)
	r.text("Code", code)
	r.text("Message", message)
	r.b.WriteString("</Error><RequestId>" + id + "</RequestId></ErrorResponse>")
	write(w, status, id, r.b.String())
}

func write(w http.ResponseWriter, status int, id, body string) {
	h := w.Header()
	h.Set("Content-Type", "text/xml")
	h.Set("X-Amzn-Requestid", id)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body)) // a client that is gone needs no answer
}
