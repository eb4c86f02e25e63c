package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tidings/internal/session"
)

// sessionKey is the key that signs this installation's sessions.
func sessionKey(dir string) ([]byte, error) {
	text, err := secret(dir, "session.key", "everybody is logged out")
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(text)
}

// emitKeyFile is where the key for emitting events is, in the data folder.
const emitKeyFile = "emit.key"

// emitKey is the key with which services emit events to this installation's users: the
// file's text, as a Bearer token.
func emitKey(dir string) (session.APIKey, error) {
	text, err := secret(dir, emitKeyFile, "services need the new one")
	return session.NewAPIKey("local", text), err
}

// secret is 32 random bytes in base64: made at the first start and kept, so that a
// restart changes nothing for anybody.
func secret(dir, name, loss string) (string, error) {
	path := filepath.Join(dir, name)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key := make([]byte, 32)
		_, _ = rand.Read(key) // never fails
		text := base64.StdEncoding.EncodeToString(key)
		return text, os.WriteFile(path, []byte(text+"\n"), 0o600)
	}
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(string(b))
	if key, err := base64.StdEncoding.DecodeString(text); err != nil || len(key) < 32 {
		return "", fmt.Errorf("%s holds no key of 32 bytes in base64; delete it to make a new one (%s)", path, loss)
	}
	return text, nil
}
