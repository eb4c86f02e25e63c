package bus

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"tidings/internal/chat"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// golden are the envelopes whose bytes are the contract, for other languages too.
var golden = map[string]Envelope{
	"entry": {Published: 1767225600123, Entry: &chat.Entry{
		Log: "c:1-2", Seq: 17, TS: 1767225600100, Kind: chat.KindMessage, By: 1, N: 12,
		Body: json.RawMessage(`{"sender":{"id":1,"username":"ann","displayName":"Ann <3 \"quotes\" & ünïcode"},"content":"hi","members":[]}`),
	}},
	"entry_membership": {Published: 1767225600124, Entry: &chat.Entry{
		Log: "g:0198c7a2-7b5e-7000-8000-000000000001", Seq: 20, TS: 1767225600101, Kind: "members_added", By: 1,
		Adds: []chat.UserID{3, 9007199254740991}, Removes: []chat.UserID{2}, Body: json.RawMessage(`{}`),
	}},
	"hints": {Published: 1767225600125, Hints: []Hint{
		{Log: "c:1-2", Seq: 17}, {Log: "g:0198c7a2-7b5e-7000-8000-000000000001", Seq: 20, Adds: []chat.UserID{3}},
	}},
	"ephemeral": {Published: 1767225600126, Ephemeral: &chat.Ephemeral{
		Log: "c:1-2", Head: 17, Kind: chat.KindTyping, By: 2, Body: json.RawMessage(`{"conversationId":"1-2"}`),
	}},
	"probe": {Published: 1767225600127, Probe: "streamer-7f3a"},
}

func TestGolden(t *testing.T) {
	for name, env := range golden {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", name+".json")
			got, err := Encode(env)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), string(got)+"\n"); d != "" {
				t.Errorf("encoded (-want +got):\n%s", d)
			}
			if _, quick := decodeEntry(got); quick != (env.Entry != nil) {
				t.Errorf("decodeEntry took it: %t", quick)
			}
			back, err := Decode(want)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(env, back); d != "" {
				t.Errorf("decoded (-want +got):\n%s", d)
			}
		})
	}
}

func TestDecode(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     error
	}{
		{"OK/UnknownFieldsIgnored", `{"v":1,"probe":"i","new":[1]}`, nil},
		{"OK/BodyOfAnyShape", `{"v":1,"entry":{"log":"u:1","seq":1,"body":["not what the kind says"]}}`, nil},
		{"ErrVersion/Newer", `{"v":2,"probe":"i"}`, ErrVersion},
		{"ErrVersion/NewerShape", `{"v":2,"entry":"gone"}`, ErrVersion},
		{"ErrVersion/None", `{"probe":"i"}`, ErrVersion},
		{"ErrGarbage/NotJSON", `hello`, ErrGarbage},
		{"ErrGarbage/Empty", ``, ErrGarbage},
		{"ErrGarbage/WrongShape", `{"v":1,"entry":7}`, ErrGarbage},
		{"ErrGarbage/NothingInIt", `{"v":1}`, ErrGarbage},
		{"ErrGarbage/TwoThingsInIt", `{"v":1,"probe":"i","hints":[{"log":"u:1","seq":1}]}`, ErrGarbage},
		{"ErrGarbage/EntryWithoutLog", `{"v":1,"entry":{"seq":1}}`, ErrGarbage},
		{"ErrGarbage/EntryWithoutEither", `{"v":1,"entry":{"log":"","seq":0,"ts":0,"kind":""},"pub":1}`, ErrGarbage},
		{"ErrGarbage/EntryWithoutSeq", `{"v":1,"entry":{"log":"u:1"}}`, ErrGarbage},
		{"ErrGarbage/HintWithoutSeq", `{"v":1,"hints":[{"log":"u:1","seq":0}]}`, ErrGarbage},
		{"ErrGarbage/EphemeralWithoutBody", `{"v":1,"ephemeral":{"log":"u:1"}}`, ErrGarbage},
	} {
		t.Run(tc.name, func(t *testing.T) {
			env, err := Decode([]byte(tc.in))
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if err != nil && !cmp.Equal(env, Envelope{}) {
				t.Errorf("%+v beside the error", env)
			}
		})
	}
}

// FuzzDecode: whatever comes, no crash, an entry is what encoding/json reads, and what is
// accepted survives a round.
func FuzzDecode(f *testing.F) {
	for _, env := range golden {
		b, err := Encode(env)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"v":2}`))
	f.Add([]byte(`{"v":1,"entry":{"log":"\u2028","seq":9223372036854775807,"body":null}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		if quick, ok := decodeEntry(in); ok {
			var w wireEnvelope
			if err := json.Unmarshal(in, &w); err != nil || !cmp.Equal(w, wireEnvelope{Version, quick}) {
				t.Fatalf("%q is read as %+v, by encoding/json as %+v, %v", in, quick, w, err)
			}
		}
		env, err := Decode(in)
		if err != nil {
			return
		}
		out, err := Encode(env)
		if err != nil {
			t.Fatalf("decoded but not encodable: %v", err)
		}
		if bytes.ContainsAny(out, "\n\r") {
			t.Fatalf("more than one line: %q", out)
		}
		again, err := Decode(out)
		if err != nil {
			t.Fatalf("encoded but not decodable: %v", err)
		}
		if once, _ := Encode(again); !bytes.Equal(out, once) {
			t.Fatalf("%s became %s", out, once)
		}
	})
}

func TestChunkHints(t *testing.T) {
	long := chat.LogID("g:" + strings.Repeat("\"", 100)) // two bytes each on the wire
	var hints []Hint
	for i := range 5000 {
		hints = append(hints, Hint{Log: long, Seq: int64(i + 1), Adds: []chat.UserID{9007199254740991}})
	}
	var back []Hint
	for _, c := range chunkHints(hints) {
		b, err := Encode(Envelope{Hints: c, Published: 1767225600123})
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > MaxMessage-2048 {
			t.Errorf("a message of %d bytes", len(b))
		}
		back = append(back, c...)
	}
	if d := cmp.Diff(hints, back); d != "" {
		t.Errorf("not the same hints: %s", d)
	}
	if n := len(chunkHints(hints)); n < 4 || n > 6 {
		t.Errorf("%d messages for some 1.2 MB", n)
	}
	if n := len(chunkHints(nil)); n != 0 {
		t.Errorf("%d messages for nothing", n)
	}
}

func BenchmarkDecode(b *testing.B) {
	raw, err := Encode(golden["entry"])
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := Decode(raw); err != nil {
			b.Fatal(err)
		}
	}
}
