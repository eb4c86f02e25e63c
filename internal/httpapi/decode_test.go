package httpapi

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"tidings/internal/chat"
)

// The longest message in its longest spelling fits, as MaxBody says.
func TestMaxBody(t *testing.T) {
	if n := len(`{"content":"`) + chat.MaxContent*len(`\ud83d\ude00`) + len(`"}`); n > MaxBody {
		t.Errorf("%d bytes are needed", n)
	}
}

// What parse accepts is JSON as encoding/json has it, and can be told again
// without loss: nothing was guessed.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"content":"hi"}`, `{"userId":9007199254740993,"a":[1,2.50,-0,1e9,null,true,{"b":"\ud83d\ude00"}]}`, `[]`, `"\u0000"`, ` 1 `,
		`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `"\ud83d"`, `"\\ud83d"`, "\"\xff\"", `{"a":1}{`, strings.Repeat("[", 40), `{"":{"":{}}}`, `"\ud83d\u0041"`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := parse(body)
		if err != nil {
			if problemOf(err).Status != 400 {
				t.Errorf("%q: %v", body, err)
			}
			return
		}
		if !json.Valid(body) || !utf8.Valid(body) {
			t.Fatalf("%q is accepted", body)
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		w, err := parse(again)
		if err != nil || !reflect.DeepEqual(v, w) {
			t.Errorf("%q became %q: %v", body, again, err)
		}
		// Reading fields of any kind from it must not panic.
		c := &call{body: body}
		fs := c.fields()
		fs.text("content")
		fs.optionalText("a")
		fs.userID("userId")
		if err := fs.err(); err == nil {
			if m, ok := v.(map[string]any); !ok || len(m) > 3 {
				t.Errorf("%q has all that is needed and no more", body)
			}
		}
	})
}
