package chat

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// What encoding/json writes of an entry or a body is read, and as the same value: a
// field that is added to one of them must be read, too.
func TestScan(t *testing.T) {
	t.Run("Entry", func(t *testing.T) { scans(t, (*scanner).entry) })
	t.Run("MessageBody", func(t *testing.T) { scans(t, (*scanner).messageBody) })
	t.Run("GroupBody", func(t *testing.T) { scans(t, (*scanner).groupBody) })
	t.Run("ReadBody", func(t *testing.T) { scans(t, (*scanner).readBody) })
}

func scans[T any](t *testing.T, read func(*scanner) T) {
	number := rapid.Int64Range(0, 1e18-1)
	values := rapid.MakeCustom[T](rapid.MakeConfig{Types: map[reflect.Type]*rapid.Generator[any]{
		reflect.TypeFor[UserID]():          rapid.Map(number, func(n int64) UserID { return UserID(n) }).AsAny(),
		reflect.TypeFor[int64]():           number.AsAny(),
		reflect.TypeFor[int]():             rapid.IntRange(0, 1e18-1).AsAny(),
		reflect.TypeFor[json.RawMessage](): rapid.SampledFrom([]json.RawMessage{nil, []byte(`{}`), []byte(`{"a":[1,{"b":"}"}]}`)}).AsAny(),
	}})
	rapid.Check(t, func(rt *rapid.T) {
		raw := mustMarshal(values.Draw(rt, "value"))
		if _, ok := scan(raw, read); !ok {
			rt.Fatalf("not read: %s", raw)
		}
		sameScan(rt, raw, read)
	})
}

// FuzzScan: what is read, encoding/json reads as the same value.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		`{"log":"c:1-2","seq":2,"ts":3,"kind":"message","by":1,"adds":[1],"removes":[2,3],"n":4,"body":{"a":1}}`,
		`{"log":"c:1-2","seq":2,"ts":3,"kind":"message","body":{"a":1},"body":{}}`,
		`{"log":"c:1-2","seq":2,"ts":3,"kind":"message","body":{}}}`,
		`{"sender":{"id":1,"username":"a","displayName":"\u00e4\ud83d\ude42"},"content":"\"\\\n","members":[{"id":1,"username":"a","displayName":""}]}`,
		`{"sender":{"id":1,"username":"a","displayName":"\ud800"},"content":"` + "\xff\x7f" + `","group":{"name":"g","ownerId":1,"memberCount":2}}`,
		`{"group":{"name":"g","ownerId":1,"memberCount":2},"members":[{"id":1,"username":"a","displayName":""}],"member":{"id":1,"username":"a","displayName":""}}`,
		`{"log":"c:1-2","message":999999999999999999,"readCount":0}`,
		`{"log":"c:1-2","message":01,"readCount":-1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		sameScan(t, raw, (*scanner).entry)
		sameScan(t, raw, (*scanner).messageBody)
		sameScan(t, raw, (*scanner).groupBody)
		sameScan(t, raw, (*scanner).readBody)
	})
}

func sameScan[T any](t interface{ Fatalf(string, ...any) }, raw []byte, read func(*scanner) T) {
	got, ok := scan(raw, read)
	if !ok {
		return
	}
	var want T
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatalf("%q is read, but %v", raw, err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("%q (-encoding/json +scan):\n%s", raw, d)
	}
}
