package ddb

import (
	"fmt"

	"tidings/local/aws/wire"
)

// The refusals of AWS whose text is needed in more than one place.
const (
	msgKeyMismatch     = "The provided key element does not match the schema"
	msgItemSize        = "Item size has exceeded the maximum allowed size"
	msgUpdatedItemSize = "Item size to update has exceeded the maximum allowed size"
	msgCondition       = "The conditional request failed"
	msgInvalidPath     = "The document path provided in the update expression is invalid for update"
	msgOperandType     = "An operand in the update expression has an incorrect data type"
	msgNoAttribute     = "The provided expression refers to an attribute that does not exist in the item"
	msgDuplicateKeys   = "Provided list of item keys contains duplicates"
	msgNesting         = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
	msgTwoTypes        = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
	msgNoType          = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
)

// invalid is a ValidationException, by far the most frequent refusal.
func invalid(format string, args ...any) *wire.Error {
	if len(args) == 0 {
		return wire.Errorf("ValidationException", format)
	}
	return wire.Errorf("ValidationException", fmt.Sprintf(format, args...))
}

// invalidParameter words it as AWS does where parameters contradict each other or the table.
func invalidParameter(format string, args ...any) *wire.Error {
	return invalid("One or more parameter values were invalid: "+format, args...)
}

// constraint is the refusal of the generic request validator in front of AWS services.
func constraint(value any, member, rule string) *wire.Error {
	text := "null"
	if value != nil {
		text = fmt.Sprintf("'%v'", value)
	}
	return invalid("1 validation error detected: Value %s at '%s' failed to satisfy constraint: Member must %s", text, member, rule)
}

func notFound(format string, args ...any) *wire.Error {
	return wire.Errorf("ResourceNotFoundException", fmt.Sprintf(format, args...))
}

func malformed(message string) *wire.Error {
	return wire.Errorf("SerializationException", message)
}

// conditionFailed carries the item as it is when the caller asked for it.
func conditionFailed(old item, wanted bool) *wire.Error {
	e := wire.Errorf("ConditionalCheckFailedException", msgCondition)
	if wanted && old != nil {
		e.Fields = map[string]any{"Item": old}
	}
	return e
}
