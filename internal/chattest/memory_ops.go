package chattest

import (
	"context"
	"maps"
	"slices"

	"tidings/internal/chat"
)

// Announce implements chat.InstanceStore.
func (m *Memory) Announce(_ context.Context, i chat.Instance) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.streamer[i.Name] = i
	return nil
}

// Withdraw implements chat.InstanceStore.
func (m *Memory) Withdraw(_ context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.streamer, name)
	return nil
}

// Instances implements chat.InstanceStore.
func (m *Memory) Instances(context.Context) ([]chat.Instance, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.streamer)), nil
}
