package chattest

import (
	"slices"
	"testing"

	"tidings/internal/chat"
)

func (c Contract) instances(t *testing.T) {
	c.test(t, "OK", func(w *World) {
		want := map[string]chat.Instance{}
		announce := func(i chat.Instance) {
			i.Started, i.Updated = chat.Millis(w.Now().UnixMilli()), chat.Millis(w.Now().UnixMilli())
			if err := w.Announce(w.Context(), i); err != nil {
				w.Fatal(err)
			}
			want[i.Name] = i
		}
		check := func() {
			w.Helper()
			got, err := w.Instances(w.Context())
			if err != nil || len(got) != len(want) || slices.ContainsFunc(got, func(i chat.Instance) bool { return want[i.Name] != i }) {
				w.Errorf("%+v %v, want %+v", got, err, want)
			}
		}
		check()
		announce(chat.Instance{Name: "a", Cell: 3, Ready: true, Connections: 7, Version: "v1", Address: "10.0.0.1:9090"})
		announce(chat.Instance{Name: "b", Version: "v2", Address: "[fd00::2]:9090"})
		check()
		w.Advance(chat.AnnounceEvery)
		announce(chat.Instance{Name: "a", Cell: 3, Connections: 9, Version: "v1", Address: "10.0.0.1:9090"})
		check()
		for range 2 { // the second time it is gone already
			if err := w.Withdraw(w.Context(), "a"); err != nil {
				w.Error(err)
			}
		}
		delete(want, "a")
		check()
	})
}
