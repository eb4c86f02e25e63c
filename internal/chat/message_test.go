package chat

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestPreview(t *testing.T) {
	for _, s := range []string{"", "short", strings.Repeat("x", MaxPreview)} {
		if got := Preview(s); got != s {
			t.Errorf("Preview(%q) = %q", s, got)
		}
	}
	for _, s := range []string{strings.Repeat("x", 201), strings.Repeat("é", 150), strings.Repeat("😀", 1000), "x" + strings.Repeat("€", 99)} {
		got := Preview(s)
		if len(got) > MaxPreview || len(got) < MaxPreview-6 || !utf8.ValidString(got) || !strings.HasSuffix(got, "…") {
			t.Errorf("Preview of %d bytes: %d bytes %q", len(s), len(got), got)
		}
	}
}

func TestCleanContent(t *testing.T) {
	if got, err := CleanContent(" \n hi \t"); err != nil || got != "hi" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := CleanContent(strings.Repeat("😀", MaxContent)); err != nil {
		t.Errorf("%d characters: %v", MaxContent, err)
	}
	for _, bad := range []string{"", " \n\t", strings.Repeat("x", MaxContent+1)} {
		var e *Error
		if _, err := CleanContent(bad); !errors.As(err, &e) || e.Code != "validation_failed" || e.Fields[0].Path != "content" {
			t.Errorf("%.10q: %v", bad, err)
		}
	}
}

func TestParseIDs(t *testing.T) {
	for _, bad := range []string{"", "0", "-1", "+1", "01", "1.0", "1e3", "9007199254740992", "99999999999999999999", " 1", "１"} {
		if _, ok := ParseUserID(bad); ok {
			t.Errorf("user id %q was taken", bad)
		}
	}
	for _, bad := range []string{"", "1", "1-", "-1", "1-1", "2-1", "1-2-3", "01-2", "1-2 ", "a-b"} {
		if _, _, ok := ParseConversationID(bad); ok {
			t.Errorf("conversation id %q was taken", bad)
		}
	}
	if a, b, ok := ParseConversationID(ConversationID(12, 7)); !ok || a != 7 || b != 12 {
		t.Errorf("%d, %d, %v", a, b, ok)
	}
}

func TestNextTS(t *testing.T) {
	now := time.UnixMilli(1000)
	for prev, want := range map[int64]int64{0: 1000, 999: 1000, 1000: 1001, 5000: 5001} {
		if got := NextTS(now, prev); got != want {
			t.Errorf("after %d: %d, want %d", prev, got, want)
		}
	}
}

func TestMillisJSON(t *testing.T) {
	b, err := Millis(1_700_000_000_120).MarshalJSON()
	if err != nil || string(b) != `"2023-11-14T22:13:20.120Z"` {
		t.Errorf("%s, %v", b, err)
	}
	var back Millis
	if err := back.UnmarshalJSON(b); err != nil || back != 1_700_000_000_120 {
		t.Errorf("%d, %v", back, err)
	}
}

func TestRegistrationValidate(t *testing.T) {
	ok := Registration{Username: "alice", Password: "correct horse"}
	if err := ok.Validate(); err != nil || ok.DisplayName != "alice" {
		t.Errorf("%+v: %v", ok, err)
	}
	bad := Registration{Username: ".x", Password: "short", DisplayName: strings.Repeat("x", 65) + "\x00"}
	var e *Error
	if err := bad.Validate(); !errors.As(err, &e) || len(e.Fields) != 4 {
		t.Errorf("want all four mistakes at once, got %v", err)
	}
}

func TestGroupIDs(t *testing.T) {
	a, b := NewGroupID(time.UnixMilli(1_700_000_000_000)), NewGroupID(time.UnixMilli(1_700_000_000_001))
	if a >= b || a[:13] != "018bcfe5-6800" {
		t.Errorf("%s, a millisecond later %s", a, b)
	}
	for _, id := range []string{a, b} {
		if log, err := GroupOf(id); err != nil || log != GroupLog(id) {
			t.Errorf("%s: %v", id, err)
		}
	}
	for _, bad := range []string{"", "1-2", a[:35], a + "0", "018bcfe5-6800-4000-8000-000000000000", "018BCFE5-6800-7000-8000-000000000000"} {
		if _, err := GroupOf(bad); !errors.Is(err, ErrGroupNotFound) {
			t.Errorf("%q was taken", bad)
		}
	}
}
