package dynamo

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tidings/internal/chat"
)

// item is a DynamoDB item or a key, or the values of an expression.
type item = map[string]types.AttributeValue

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func bin(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }
func num[T ~int | ~int64](n T) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(int64(n), 10)}
}

// reader takes attributes out of an item and remembers the first that is wrong:
// one check at the end of a decode is enough.
type reader struct {
	it  item
	err error
}

func (r *reader) fail(name, want string) {
	if r.err == nil {
		r.err = fmt.Errorf("item %s/%s: attribute %s is no %s", text(r.it["PK"]), text(r.it["SK"]), name, want)
	}
}

// text is the string in v, or nothing.
func text(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// str, int and bytes give the zero value for an attribute that is not there.
func (r *reader) str(name string) string {
	switch v := r.it[name].(type) {
	case nil:
		return ""
	case *types.AttributeValueMemberS:
		return v.Value
	}
	r.fail(name, "string")
	return ""
}

func (r *reader) int(name string) int64 {
	v := r.it[name]
	if v == nil {
		return 0
	}
	n, err := intOf(v)
	if err != nil {
		r.fail(name, "whole number")
	}
	return n
}

func (r *reader) bytes(name string) []byte {
	switch v := r.it[name].(type) {
	case nil:
		return nil
	case *types.AttributeValueMemberB:
		return v.Value
	}
	r.fail(name, "binary")
	return nil
}

func (r *reader) users(name string) []chat.UserID {
	v := r.it[name]
	if v == nil {
		return nil
	}
	l, ok := v.(*types.AttributeValueMemberL)
	if !ok {
		r.fail(name, "list")
		return nil
	}
	out := make([]chat.UserID, 0, len(l.Value))
	for _, e := range l.Value {
		n, err := intOf(e)
		if err != nil {
			r.fail(name, "list of whole numbers")
		}
		out = append(out, chat.UserID(n))
	}
	return out
}

// json decodes a string attribute into v, which stays as it is without one.
func (r *reader) json(name string, v any) {
	if s := r.str(name); s != "" && json.Unmarshal([]byte(s), v) != nil {
		r.fail(name, "JSON of its kind")
	}
}

func intOf(v types.AttributeValue) (int64, error) {
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		return 0, fmt.Errorf("%T is no number", v)
	}
	return strconv.ParseInt(n.Value, 10, 64)
}

func userList(ids []chat.UserID) types.AttributeValue {
	l := make([]types.AttributeValue, len(ids))
	for i, id := range ids {
		l[i] = num(id)
	}
	return &types.AttributeValueMemberL{Value: l}
}

// jsonText encodes the domain's own types, which can't fail.
func jsonText(v any) types.AttributeValue {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return str(string(b))
}
