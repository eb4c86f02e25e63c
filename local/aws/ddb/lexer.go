package ddb

import (
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenEnd     tokenKind = iota
	tokenWord              // an attribute, function or operator name
	tokenName              // #placeholder of an attribute name
	tokenValue             // :placeholder of a value
	tokenNumber            // a list index
	tokenSymbol            // an operator or punctuation mark
	tokenInvalid           // what no expression may contain
)

type lexeme struct {
	kind       tokenKind
	text       string
	start, end int // in the expression
}

// is reports whether the token is the operator word, which has no case.
func (t lexeme) is(word string) bool {
	return t.kind == tokenWord && strings.EqualFold(t.text, word)
}

func (t lexeme) symbol(s string) bool { return t.kind == tokenSymbol && t.text == s }

// lex splits an expression into tokens; the last one is tokenEnd.
func lex(source string) []lexeme {
	tokens := make([]lexeme, 0, len(source)/3+2)
	for i := 0; ; {
		for i < len(source) && strings.IndexByte(" \t\r\n", source[i]) >= 0 {
			i++
		}
		if i == len(source) {
			return append(tokens, lexeme{kind: tokenEnd, text: "<EOF>", start: i, end: i})
		}
		t := lexOne(source[i:])
		t.start, t.end = i, i+len(t.text)
		tokens = append(tokens, t)
		i = t.end
	}
}

func lexOne(rest string) lexeme {
	c := rest[0]
	switch {
	case isLetter(c):
		return lexeme{kind: tokenWord, text: rest[:wordEnd(rest, 1)]}
	case isDigit(c):
		n := 1
		for n < len(rest) && isDigit(rest[n]) {
			n++
		}
		return lexeme{kind: tokenNumber, text: rest[:n]}
	case c == '#' || c == ':':
		n := wordEnd(rest, 1)
		switch {
		case n == 1:
			return lexeme{kind: tokenInvalid, text: rest[:1]}
		case c == '#':
			return lexeme{kind: tokenName, text: rest[:n]}
		}
		return lexeme{kind: tokenValue, text: rest[:n]}
	}
	for _, s := range [...]string{"<>", "<=", ">=", "<", ">", "=", "(", ")", "[", "]", ",", ".", "+", "-"} {
		if strings.HasPrefix(rest, s) {
			return lexeme{kind: tokenSymbol, text: s}
		}
	}
	_, n := utf8.DecodeRuneInString(rest)
	return lexeme{kind: tokenInvalid, text: rest[:n]}
}

func wordEnd(s string, i int) int {
	for i < len(s) && (isLetter(s[i]) || isDigit(s[i]) || s[i] == '_') {
		i++
	}
	return i
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isPlaceholder reports whether s is a well-formed key of ExpressionAttributeNames
// (mark '#') or ExpressionAttributeValues (':').
func isPlaceholder(s string, mark byte) bool {
	return len(s) > 1 && s[0] == mark && wordEnd(s, 1) == len(s)
}
