package ddb

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The members of CreateTable's input, in AWS's names; DescribeTable answers with them too.

type attributeDefinition struct{ AttributeName, AttributeType string }

type keyElement struct{ AttributeName, KeyType string }

type projection struct {
	ProjectionType   string   `json:",omitempty"`
	NonKeyAttributes []string `json:",omitempty"`
}

type throughput struct{ ReadCapacityUnits, WriteCapacityUnits int64 }

type indexDefinition struct {
	IndexName             string
	KeySchema             []keyElement
	Projection            projection
	ProvisionedThroughput *throughput `json:",omitempty"`
}

type streamSpecification struct {
	StreamEnabled  *bool
	StreamViewType string
}

// Limits of tables, AWS "Service quotas".
const (
	maxIndexes   = 20
	maxProjected = 100 // NonKeyAttributes over all indexes
)

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`)

// checkName refuses names of tables (member "tableName") and indexes that AWS refuses.
func checkName(name, member string) error {
	switch {
	case name == "":
		return constraint(nil, member, "not be null")
	case len(name) < 3:
		return constraint(name, member, "have length greater than or equal to 3")
	case len(name) > 255:
		return constraint(name, member, "have length less than or equal to 255")
	case !namePattern.MatchString(name):
		return constraint(name, member, "satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	}
	return nil
}

// check refuses a definition that AWS refuses.
func (d definition) check() error {
	for _, a := range d.Attributes {
		if !slices.Contains([]string{"S", "N", "B"}, a.AttributeType) {
			return constraint(a.AttributeType, "attributeDefinitions.1.member.attributeType", "satisfy enum value set: [B, N, S]")
		}
	}
	if err := d.checkKeys(d.Keys, "keySchema"); err != nil {
		return err
	}
	used := names(d.Keys)
	seen := map[string]bool{}
	projected := 0
	for _, x := range d.Indexes {
		if err := d.checkIndex(x); err != nil {
			return err
		}
		if seen[x.IndexName] {
			return invalidParameter("Duplicate index name: %s", x.IndexName)
		}
		seen[x.IndexName] = true
		used = append(used, names(x.KeySchema)...)
		projected += len(x.Projection.NonKeyAttributes)
	}
	switch {
	case len(d.Indexes) > maxIndexes:
		return invalidParameter("GlobalSecondaryIndex count exceeds the per-table limit of 20")
	case projected > maxProjected:
		return invalidParameter("Number of all projected NonKeyAttributes exceeds the limit of 100")
	}
	for _, a := range d.Attributes {
		if !slices.Contains(used, a.AttributeName) {
			return invalidParameter("Some AttributeDefinitions are not used. AttributeDefinitions: %s, keys used: %s", list(attributeNames(d.Attributes)), list(used))
		}
	}
	return d.checkBilling()
}

// checkKeys is for the keys of the table and of each index; member names them in refusals.
func (d definition) checkKeys(keys []keyElement, member string) error {
	if len(keys) == 0 {
		return constraint("[]", member, "have length greater than or equal to 1")
	}
	if len(keys) > 2 {
		return constraint(fmt.Sprint(keys), member, "have length less than or equal to 2")
	}
	defined := attributeNames(d.Attributes)
	for i, k := range keys {
		switch {
		case k.KeyType != "HASH" && k.KeyType != "RANGE":
			return constraint(k.KeyType, fmt.Sprintf("%s.%d.member.keyType", member, i+1), "satisfy enum value set: [HASH, RANGE]")
		case i == 0 && k.KeyType != "HASH":
			return invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
		case i == 1 && k.KeyType != "RANGE":
			return invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
		case i == 1 && k.AttributeName == keys[0].AttributeName:
			return invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
		case !slices.Contains(defined, k.AttributeName):
			return invalidParameter("Some index key attributes are not defined in AttributeDefinitions. Keys: %s, AttributeDefinitions: %s", list(names(keys)), list(defined))
		case len(k.AttributeName) > 255:
			return constraint(k.AttributeName, fmt.Sprintf("%s.%d.member.attributeName", member, i+1), "have length less than or equal to 255")
		}
	}
	return nil
}

// checkIndex is about one index by itself; what indexes have in common is in check.
func (d definition) checkIndex(x indexDefinition) error {
	if err := checkName(x.IndexName, "globalSecondaryIndexes.1.member.indexName"); err != nil {
		return err
	}
	if err := d.checkKeys(x.KeySchema, "globalSecondaryIndexes.1.member.keySchema"); err != nil {
		return err
	}
	p := x.Projection
	switch {
	case p.ProjectionType == "":
		return invalidParameter("Unknown ProjectionType: null")
	case p.ProjectionType != "ALL" && p.ProjectionType != "KEYS_ONLY" && p.ProjectionType != "INCLUDE":
		return constraint(p.ProjectionType, "globalSecondaryIndexes.1.member.projection.projectionType", "satisfy enum value set: [ALL, INCLUDE, KEYS_ONLY]")
	case p.ProjectionType == "INCLUDE" && len(p.NonKeyAttributes) == 0:
		return invalidParameter("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
	case p.ProjectionType != "INCLUDE" && len(p.NonKeyAttributes) > 0:
		return invalidParameter("ProjectionType is %s, but NonKeyAttributes is specified", p.ProjectionType)
	}
	return nil
}

// checkBilling keeps the rules of throughput, though nothing here is throttled: a
// template that passes shall pass on AWS too.
func (d definition) checkBilling() error {
	switch d.Billing {
	case "PAY_PER_REQUEST":
		if d.Throughput != nil && *d.Throughput != (throughput{}) {
			return invalidParameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
	case "PROVISIONED":
		if d.Throughput == nil || d.Throughput.ReadCapacityUnits < 1 || d.Throughput.WriteCapacityUnits < 1 {
			return invalidParameter("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
		}
	default:
		return constraint(d.Billing, "billingMode", "satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]")
	}
	return nil
}

// view returns the view type that the specification asks for, "" for no stream.
func (s *streamSpecification) view() (string, error) {
	if s == nil || s.StreamEnabled == nil || !*s.StreamEnabled {
		if s != nil && s.StreamViewType != "" {
			return "", invalidParameter("StreamViewType must not be specified when StreamEnabled is false")
		}
		return "", nil
	}
	switch s.StreamViewType {
	case viewKeysOnly, viewNew, viewOld, viewBoth:
		return s.StreamViewType, nil
	case "":
		return "", invalidParameter("StreamViewType must be specified when StreamEnabled is true")
	}
	return "", constraint(s.StreamViewType, "streamSpecification.streamViewType", "satisfy enum value set: [NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES, KEYS_ONLY]")
}

func names(keys []keyElement) []string {
	var ns []string
	for _, k := range keys {
		ns = append(ns, k.AttributeName)
	}
	return ns
}

func attributeNames(as []attributeDefinition) []string {
	var ns []string
	for _, a := range as {
		ns = append(ns, a.AttributeName)
	}
	return ns
}

func list(ns []string) string { return "[" + strings.Join(ns, ", ") + "]" }
