package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The tests that delivery.md names are there.
func TestDeliveryNamesTests(t *testing.T) {
	packages := map[string]string{} // folder → its test files
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		b, err := os.ReadFile(path)
		packages[filepath.Dir(path)] += string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("delivery.md")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile("`(Test\\w+)(?:/(\\w+))?`").FindAllStringSubmatch(string(text), -1)
	if len(names) < 40 {
		t.Errorf("only %d names found", len(names))
	}
	for _, n := range names {
		found := false
		for _, src := range packages {
			found = found || strings.Contains(src, "func "+n[1]+"(t *testing.T)") &&
				(n[2] == "" || strings.Contains(src, `"`+n[2]+`"`))
		}
		if !found {
			t.Errorf("%s is not there", n[0])
		}
	}
}
