package ddb

// description is what DescribeTable tells.
func (s *Service) description(t *table) map[string]any {
	def := t.def
	d := map[string]any{
		"TableName":                 def.Name,
		"TableId":                   def.ID,
		"TableArn":                  s.tableARN(def.Name),
		"TableStatus":               "ACTIVE",
		"CreationDateTime":          epoch(def.Created),
		"AttributeDefinitions":      def.Attributes,
		"KeySchema":                 def.Keys,
		"ItemCount":                 t.rows.Len(),
		"TableSizeBytes":            t.bytes,
		"ProvisionedThroughput":     def.Throughput.describe(),
		"DeletionProtectionEnabled": def.Protected,
	}
	if def.Billing == "PAY_PER_REQUEST" {
		d["BillingModeSummary"] = map[string]any{"BillingMode": def.Billing, "LastUpdateToPayPerRequestDateTime": epoch(def.Created)}
	}
	if def.Stream != "" {
		d["StreamSpecification"] = map[string]any{"StreamEnabled": true, "StreamViewType": def.Stream}
		d["LatestStreamLabel"] = def.Label
		d["LatestStreamArn"] = t.stream.ARN
	}
	var indexes []any
	for _, x := range t.indexes {
		indexes = append(indexes, map[string]any{
			"IndexName":             x.def.IndexName,
			"IndexArn":              s.tableARN(def.Name) + "/index/" + x.def.IndexName,
			"IndexStatus":           "ACTIVE",
			"KeySchema":             x.def.KeySchema,
			"Projection":            x.def.Projection,
			"ItemCount":             x.entries.Len(),
			"IndexSizeBytes":        x.bytes,
			"ProvisionedThroughput": x.def.ProvisionedThroughput.describe(),
		})
	}
	if indexes != nil {
		d["GlobalSecondaryIndexes"] = indexes
	}
	return d
}

// describe shows zeros for a table on demand, as AWS does.
func (t *throughput) describe() map[string]any {
	if t == nil {
		t = &throughput{}
	}
	return map[string]any{
		"ReadCapacityUnits": t.ReadCapacityUnits, "WriteCapacityUnits": t.WriteCapacityUnits, "NumberOfDecreasesToday": 0,
	}
}

type timeToLiveInput struct {
	TableName               string
	TimeToLiveSpecification *struct {
		AttributeName string
		Enabled       *bool
	}
}

// updateTimeToLive takes effect at once. AWS needs up to an hour, and in that time refuses
// a second change; this doesn't.
func (s *Service) updateTimeToLive(in *timeToLiveInput) ([]byte, error) {
	spec := in.TimeToLiveSpecification
	switch {
	case spec == nil:
		return nil, constraint(nil, "timeToLiveSpecification", "not be null")
	case spec.Enabled == nil:
		return nil, constraint(nil, "timeToLiveSpecification.enabled", "not be null")
	case spec.AttributeName == "":
		return nil, constraint(spec.AttributeName, "timeToLiveSpecification.attributeName", "have length greater than or equal to 1")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.existing(in.TableName)
	if err != nil {
		return nil, err
	}
	def := t.def
	switch {
	case def.TTL != "" && def.TTL != spec.AttributeName:
		return nil, invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", def.TTL)
	case *spec.Enabled && def.TTL != "":
		return nil, invalid("TimeToLive is already enabled")
	case !*spec.Enabled && def.TTL == "":
		return nil, invalid("TimeToLive is already disabled")
	}
	def.TTL = ""
	if *spec.Enabled {
		def.TTL = spec.AttributeName
	}
	if _, err := s.alter(def); err != nil {
		return nil, err
	}
	return describe(map[string]any{"TimeToLiveSpecification": spec})
}

func (s *Service) describeTimeToLive(in *tableInput) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t, err := s.existing(in.TableName)
	if err != nil {
		return nil, err
	}
	d := map[string]any{"TimeToLiveStatus": "DISABLED"}
	if t.def.TTL != "" {
		d = map[string]any{"TimeToLiveStatus": "ENABLED", "AttributeName": t.def.TTL}
	}
	return describe(map[string]any{"TimeToLiveDescription": d})
}
