package ddb

import (
	"encoding/binary"
	"strings"
)

// maxSegments of a parallel scan, AWS.
const maxSegments = 1_000_000

type scanInput struct {
	pageParameters
	Segment       *int
	TotalSegments *int
}

// scan goes through the rows in the order of their hashes, so what comes after a
// LastEvaluatedKey stays the same whatever is written in between.
func (s *Service) scan(in *scanInput) ([]byte, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	if err := in.checkSegments(); err != nil {
		return nil, err
	}
	b, parsed, err := s.bind(in.ExpressionAttributeNames, in.ExpressionAttributeValues,
		source{kindFilter, in.FilterExpression}, source{kindProjection, in.ProjectionExpression})
	if err != nil {
		return nil, err
	}
	pg, err := s.scanPage(in, b, parsed[0], parsed[1])
	if err != nil {
		return nil, err
	}
	return pg.answer(), nil
}

// checkSegments wants both parameters of a parallel scan or neither.
func (in *scanInput) checkSegments() error {
	switch {
	case in.Segment == nil && in.TotalSegments == nil:
		return nil
	case in.TotalSegments == nil:
		return invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case in.Segment == nil:
		return invalid("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case *in.TotalSegments < 1:
		return constraint(*in.TotalSegments, "totalSegments", "have value greater than or equal to 1")
	case *in.TotalSegments > maxSegments:
		return constraint(*in.TotalSegments, "totalSegments", "have value less than or equal to 1000000")
	case *in.Segment < 0:
		return constraint(*in.Segment, "segment", "have value greater than or equal to 0")
	case *in.Segment >= *in.TotalSegments:
		return invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d",
			*in.Segment, *in.TotalSegments)
	}
	return nil
}

func (s *Service) scanPage(in *scanInput, b *binding, filter, projection *parsed) (*pager, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	pg, err := s.newPager(&in.pageParameters, b, filter, projection)
	if err != nil {
		return nil, err
	}
	wanted := in.span()
	start, err := pg.startKey()
	switch {
	case err != nil:
		return nil, err
	case start != "" && (start < wanted.from || start >= wanted.to):
		return nil, invalid("The provided Exclusive start key does not map to the provided Segment and TotalSegments values.")
	}
	pg.read(wanted, start, false)
	return pg, nil
}

// span is the segment: an equal share of the hashes that row keys begin with.
func (in *scanInput) span() span {
	segment, total := uint64(0), uint64(1)
	if in.Segment != nil {
		segment, total = uint64(*in.Segment), uint64(*in.TotalSegments)
	}
	end := behindAllRows
	if segment+1 < total {
		end = hashPrefix(segment+1, total)
	}
	return span{hashPrefix(segment, total), end}
}

// behindAllRows sorts after every row key: a hash of four bytes and a partition key.
var behindAllRows = strings.Repeat("\xFF", 4+maxHashKey+1)

func hashPrefix(segment, total uint64) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(segment<<32/total)))
}
