package ddb

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"tidings/local/aws/wire"
)

// define creates a table, or alters one: its stream and its TTL follow the definition.
func (s *Service) define(def definition, at time.Time) *table {
	t := s.tables[def.Name]
	if t == nil {
		t = newTable(def)
		s.tables[def.Name] = t
		if def.Stream != "" {
			s.openStream(t, at)
		}
		return t
	}
	was := t.def
	t.def = def
	if was.Label != def.Label || was.Stream != def.Stream {
		s.closeStream(t, at)
		if def.Stream != "" {
			s.openStream(t, at)
		}
	}
	if was.TTL != def.TTL {
		t.indexExpiry()
	}
	return t
}

// drop deletes a table.
func (s *Service) drop(name string, at time.Time) {
	if t := s.tables[name]; t != nil {
		s.closeStream(t, at)
		delete(s.tables, name)
	}
}

// alter journals and applies a definition.
func (s *Service) alter(def definition) (*table, error) {
	at := s.now()
	if err := s.journal(packDefinition(def, s.seq, at)); err != nil {
		return nil, err
	}
	return s.define(def, at), nil
}

type createTableInput struct {
	TableName                 string
	AttributeDefinitions      []attributeDefinition
	KeySchema                 []keyElement
	GlobalSecondaryIndexes    *[]indexDefinition
	LocalSecondaryIndexes     []json.RawMessage
	BillingMode               string
	ProvisionedThroughput     *throughput
	StreamSpecification       *streamSpecification
	DeletionProtectionEnabled bool
}

// createTable makes a table that is ACTIVE at once; waiters are satisfied by their first
// DescribeTable.
func (s *Service) createTable(in *createTableInput) ([]byte, error) {
	def, err := in.definition()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tables[def.Name] != nil {
		return nil, wire.Errorf("ResourceInUseException", "Table already exists: "+def.Name)
	}
	def.Created = s.now()
	def.ID = newUUID()
	if def.Stream != "" {
		def.Label = s.newLabel(def.Name, def.Created)
	}
	t, err := s.alter(def)
	if err != nil {
		return nil, err
	}
	return describe(map[string]any{"TableDescription": s.description(t)})
}

// definition is what the journal keeps of the input. Tags, encryption and table classes
// mean nothing here and are dropped.
func (in *createTableInput) definition() (definition, error) {
	def := definition{
		Name: in.TableName, Attributes: in.AttributeDefinitions, Keys: in.KeySchema,
		Billing: in.BillingMode, Throughput: in.ProvisionedThroughput, Protected: in.DeletionProtectionEnabled,
	}
	if def.Billing == "" {
		def.Billing = "PROVISIONED"
	}
	if in.GlobalSecondaryIndexes != nil {
		def.Indexes = *in.GlobalSecondaryIndexes
		if len(def.Indexes) == 0 {
			return def, invalidParameter("List of GlobalSecondaryIndexes is empty")
		}
	}
	if len(in.LocalSecondaryIndexes) > 0 {
		return def, invalidParameter("LocalSecondaryIndexes are not supported by this embedded DynamoDB")
	}
	if err := checkName(def.Name, "tableName"); err != nil {
		return def, err
	}
	var err error
	if def.Stream, err = in.StreamSpecification.view(); err != nil {
		return def, err
	}
	return def, def.check()
}

type tableInput struct{ TableName string }

// existing is resolve for the operations on tables, which word it differently.
func (s *Service) existing(name string) (*table, error) {
	if name == "" {
		return nil, constraint(nil, "tableName", "not be null")
	}
	t, err := s.resolve(name)
	if err != nil {
		return nil, notFound("Requested resource not found: Table: %s not found", name)
	}
	return t, nil
}

// deleteTable answers DELETING like AWS, though the table is gone already. Its stream can
// be read for another day.
func (s *Service) deleteTable(in *tableInput) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.existing(in.TableName)
	if err != nil {
		return nil, err
	}
	if t.def.Protected {
		return nil, invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	}
	at := s.now()
	if err := s.journal(packDeletion(t.def.Name, s.seq, at)); err != nil {
		return nil, err
	}
	d := s.description(t)
	d["TableStatus"] = "DELETING"
	s.drop(t.def.Name, at)
	return describe(map[string]any{"TableDescription": d})
}

func (s *Service) describeTable(in *tableInput) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t, err := s.existing(in.TableName)
	if err != nil {
		return nil, err
	}
	return describe(map[string]any{"Table": s.description(t)})
}

type listTablesInput struct {
	ExclusiveStartTableName string
	Limit                   *int
}

// listTables pages by name.
func (s *Service) listTables(in *listTablesInput) ([]byte, error) {
	limit := 100
	if in.Limit != nil {
		limit = *in.Limit
	}
	if limit < 1 {
		return nil, constraint(limit, "limit", "have value greater than or equal to 1")
	}
	if limit > 100 {
		return nil, constraint(limit, "limit", "have value less than or equal to 100")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	names := slices.Sorted(maps.Keys(s.tables))
	names = names[start(names, in.ExclusiveStartTableName):]
	out := map[string]any{"TableNames": names}
	if len(names) > limit {
		out["TableNames"] = names[:limit]
		out["LastEvaluatedTableName"] = names[limit-1]
	}
	return describe(out)
}

// start is the place after name in a sorted list.
func start(names []string, name string) int {
	if name == "" {
		return 0
	}
	i, found := slices.BinarySearch(names, name)
	if found {
		i++
	}
	return i
}

type updateTableInput struct {
	TableName                   string
	StreamSpecification         *streamSpecification
	DeletionProtectionEnabled   *bool
	BillingMode                 string
	ProvisionedThroughput       *throughput
	GlobalSecondaryIndexUpdates []json.RawMessage
	ReplicaUpdates              []json.RawMessage
}

// updateTable changes the stream, the billing mode and the deletion protection.
func (s *Service) updateTable(in *updateTableInput) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.existing(in.TableName)
	if err != nil {
		return nil, err
	}
	def := t.def
	switch {
	case len(in.GlobalSecondaryIndexUpdates) > 0 || len(in.ReplicaUpdates) > 0:
		return nil, invalidParameter("GlobalSecondaryIndexUpdates and ReplicaUpdates are not supported by this embedded DynamoDB: create the table anew")
	case in.StreamSpecification == nil && in.DeletionProtectionEnabled == nil && in.BillingMode == "" && in.ProvisionedThroughput == nil:
		return nil, invalid("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
	}
	if in.BillingMode != "" || in.ProvisionedThroughput != nil {
		if in.BillingMode != "" {
			def.Billing = in.BillingMode
		}
		def.Throughput = in.ProvisionedThroughput
		if err := def.checkBilling(); err != nil {
			return nil, err
		}
	}
	if in.DeletionProtectionEnabled != nil {
		def.Protected = *in.DeletionProtectionEnabled
	}
	if in.StreamSpecification != nil {
		if err := s.switchStream(&def, in.StreamSpecification); err != nil {
			return nil, err
		}
	}
	if t, err = s.alter(def); err != nil {
		return nil, err
	}
	return describe(map[string]any{"TableDescription": s.description(t)})
}

// switchStream gives the table another stream each time it is switched on: readers of
// the old one must find the new ARN by DescribeTable.
func (s *Service) switchStream(def *definition, spec *streamSpecification) error {
	view, err := spec.view()
	switch {
	case err != nil:
		return err
	case view != "" && def.Stream != "":
		return invalid("Table already has an enabled stream: TableName: %s", def.Name)
	case view == "" && def.Stream == "":
		return invalid("Table has no stream to disable: TableName: %s", def.Name)
	}
	def.Stream, def.Label = view, ""
	if view != "" {
		def.Label = s.newLabel(def.Name, s.now())
	}
	return nil
}

// newUUID is a version 4 UUID, the form of TableId.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}
