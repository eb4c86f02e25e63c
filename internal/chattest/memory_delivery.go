package chattest

import (
	"context"

	"tidings/internal/chat"
)

type deliveredIn struct {
	typ    string
	minute int64
}

// AddDeliveries implements chat.DeliveryStore.
func (m *Memory) AddDeliveries(_ context.Context, typ string, minute int64, h chat.DeliveryHistogram) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := deliveredIn{typ, minute}
	if m.arrived[k] == nil {
		m.arrived[k] = &chat.DeliveryHistogram{}
	}
	m.arrived[k].Merge(h)
	return nil
}

// Deliveries implements chat.DeliveryStore.
func (m *Memory) Deliveries(_ context.Context, typ string, from, to int64) (chat.DeliveryHistogram, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var sum chat.DeliveryHistogram
	for k, h := range m.arrived {
		if k.typ == typ && k.minute >= from && k.minute <= to {
			sum.Merge(*h)
		}
	}
	return sum, nil
}
