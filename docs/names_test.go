package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What these documents name is there.
func TestDocumentsNameWhatIs(t *testing.T) {
	tests := mustReadTests(t)
	for document, least := range map[string]int{"delivery.md": 40, "operations.md": 1, "security.md": 60} {
		t.Run(document, func(t *testing.T) {
			text := mustRead(t, document)
			names := regexp.MustCompile("`((?:Test|Fuzz)\\w+)(?:/(\\w+))?`").FindAllStringSubmatch(text, -1)
			if len(names) < least {
				t.Errorf("only %d tests named", len(names))
			}
			for _, n := range names {
				if !tests.have(n[1], n[2]) {
					t.Errorf("%s is not there", n[0])
				}
			}
			for _, p := range regexp.MustCompile("`((?:\\w+/)+[\\w.-]+\\.\\w+)`").FindAllStringSubmatch(text, -1) {
				if _, err := os.Stat("../" + p[1]); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// packages are the test files of each folder, one after the other.
type packages map[string]string

func mustReadTests(t *testing.T) packages {
	t.Helper()
	out := packages{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "bin"):
			return filepath.SkipDir
		case strings.HasSuffix(path, "_test.go"):
			out[filepath.Dir(path)] += mustRead(t, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// have says whether a test, or a subtest beside it if one is named, is there.
func (p packages) have(test, sub string) bool {
	for _, src := range p {
		if (strings.Contains(src, "func "+test+"(t *testing.T)") || strings.Contains(src, "func "+test+"(f *testing.F)")) &&
			(sub == "" || strings.Contains(src, `"`+sub+`"`)) {
			return true
		}
	}
	return false
}

func mustRead(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The numbers that operations.md gives are those of the code.
func TestOperationsNamesLimits(t *testing.T) {
	said := regexp.MustCompile("`([\\w/]+\\.go): ([^`]+)`").FindAllStringSubmatch(mustRead(t, "operations.md"), -1)
	if len(said) < 20 {
		t.Errorf("only %d limits found", len(said))
	}
	for _, s := range said {
		code := strings.Join(strings.Fields(mustRead(t, "../"+s[1])), " ")
		if !strings.Contains(code, s[2]) {
			t.Errorf("%s doesn't say %s", s[1], s[2])
		}
	}
}

// Each alarm of the stack tells what to do, and no other; parameters are the template's.
func TestOperationsNamesTheStack(t *testing.T) {
	text := mustRead(t, "operations.md")
	_, alarms, _ := strings.Cut(text, "\n## Alarms\n")
	alarms, _, _ = strings.Cut(alarms, "\n## ")
	var said, made []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)`").FindAllStringSubmatch(alarms, -1) {
		said = append(said, m[1])
	}
	for _, m := range regexp.MustCompile(`(?m)^  (\w+):\n    Type: AWS::CloudWatch::Alarm$`).FindAllStringSubmatch(mustRead(t, "../infra/alarms.yaml"), -1) {
		made = append(made, m[1])
	}
	slices.Sort(said)
	slices.Sort(made)
	if !slices.Equal(said, made) || len(made) < 10 {
		t.Errorf("alarms told: %v\nmade: %v", said, made)
	}
	_, deploy, _ := strings.Cut(text, "\n## Deploy\n")
	deploy, _, _ = strings.Cut(deploy, "\n## ")
	template := mustRead(t, "../template.yaml")
	for _, m := range regexp.MustCompile("`([A-Z][a-z]\\w+)`").FindAllStringSubmatch(deploy, -1) {
		if !strings.Contains(template, "\n  "+m[1]+":\n") {
			t.Errorf("the template has no %s", m[1])
		}
	}
}

// What functions and streamers read from their environment is told to operators.
func TestOperationsNamesSettings(t *testing.T) {
	text, n := mustRead(t, "operations.md"), 0
	for _, glob := range []string{"../internal/app/*.go", "../streamer/*.go"} {
		files, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			for _, v := range regexp.MustCompile(`"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)"`).FindAllStringSubmatch(mustRead(t, f), -1) {
				n++
				if !strings.Contains(text, "`"+v[1]+"`") && !strings.HasPrefix(v[1], "AWS_") {
					t.Errorf("%s reads %s", f, v[1])
				}
			}
		}
	}
	if n < 15 {
		t.Errorf("only %d variables found", n)
	}
}

// Links between the documents lead somewhere, to the heading too.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s:]*)(?:#([\w-]+))?\)`)
	heading := regexp.MustCompile(`(?m)^#+ (.+)$`)
	code := regexp.MustCompile("(?s)```.*?```")
	anchor := func(text string) string { // as GitHub makes it
		return strings.ReplaceAll(regexp.MustCompile(`[^\w -]`).ReplaceAllString(strings.ToLower(text), ""), " ", "-")
	}
	n := 0
	for _, glob := range []string{"../*.md", "*.md", "adr/*.md", "../infra/*/*.md", "../bench/*.md", "../interop/*.md", "../client/*.md"} {
		documents, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range documents {
			for _, l := range link.FindAllStringSubmatch(code.ReplaceAllString(mustRead(t, d), ""), -1) {
				n++
				to := d
				if l[1] != "" {
					to = filepath.Join(filepath.Dir(d), l[1])
				}
				if _, err := os.Stat(to); err != nil {
					t.Errorf("%s: %s: %v", d, l[0], err)
					continue
				}
				found := l[2] == ""
				if !found {
					for _, h := range heading.FindAllStringSubmatch(mustRead(t, to), -1) {
						found = found || anchor(h[1]) == l[2]
					}
				}
				if !found {
					t.Errorf("%s: %s: no such heading", d, l[0])
				}
			}
		}
	}
	if n < 50 {
		t.Errorf("only %d links found", n)
	}
}
