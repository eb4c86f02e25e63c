package apidoc

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// comments are those of types ("tidings/internal/chat.Message") and of their fields
// ("tidings/internal/chat.Message.Seq"), each as one line.
type comments map[string]string

// readComments reads the packages whose types clients see.
func readComments() comments {
	out := comments{}
	for _, dir := range []string{"internal/chat", "internal/httpapi", "internal/stream"} {
		files, err := filepath.Glob(filepath.Join(Root(), dir, "*.go"))
		if err != nil {
			panic(err) // a bad pattern
		}
		for _, file := range files {
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				panic(err) // this program was built of it
			}
			out.add("tidings/"+dir, f)
		}
	}
	return out
}

func (c comments) add(pkg string, f *ast.File) {
	for _, d := range f.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE {
			continue
		}
		for _, s := range decl.Specs {
			spec := s.(*ast.TypeSpec)
			structure, ok := spec.Type.(*ast.StructType)
			if !ok {
				continue
			}
			name := pkg + "." + spec.Name.Name
			doc := spec.Doc
			if doc == nil && len(decl.Specs) == 1 {
				doc = decl.Doc
			}
			// "Message is a message" begins with a name that only Go knows.
			c[name] = sentence(strings.TrimPrefix(oneLine(doc), spec.Name.Name+" "))
			for _, field := range structure.Fields.List {
				for _, n := range field.Names {
					if c[name+"."+n.Name] = oneLine(field.Comment); field.Comment == nil {
						c[name+"."+n.Name] = oneLine(field.Doc)
					}
				}
			}
		}
	}
}

func oneLine(g *ast.CommentGroup) string { return strings.Join(strings.Fields(g.Text()), " ") }

// sentence takes the verb away that followed the type's name.
func sentence(s string) string {
	for _, verb := range []string{"is ", "are "} {
		s = strings.TrimPrefix(s, verb)
	}
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// Root is the folder of go.mod, above the one that a test runs in.
func Root() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		panic("apidoc: no go.mod above " + dir)
	}
}
