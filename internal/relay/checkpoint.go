package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
)

// Position is how far a stream was handled.
type Position struct {
	Stream string                   `json:"stream"` // its ARN; another one starts anew
	Shards map[string]ShardPosition `json:"shards"`
}

// ShardPosition is how far one shard was handled.
type ShardPosition struct {
	After string `json:"after,omitempty"` // sequence number of the last handled record; empty: none yet
	Done  bool   `json:"done,omitempty"`  // the shard is closed and handled to its end
}

func (p Position) clone() Position {
	return Position{Stream: p.Stream, Shards: maps.Clone(p.Shards)}
}

// Checkpoint keeps the position over restarts.
type Checkpoint interface {
	// Load gives the zero Position when none was saved.
	Load(ctx context.Context) (Position, error)
	Save(ctx context.Context, p Position) error
}

// ErrDamaged is a checkpoint that can't be read. To start anew loses nothing.
var ErrDamaged = errors.New("damaged")

// FileCheckpoint keeps the position in a file, replaced as a whole. A crash
// loses at most the newest save; the records since then are handled again.
type FileCheckpoint string

// Load implements Checkpoint.
func (f FileCheckpoint) Load(context.Context) (Position, error) {
	b, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return Position{}, nil
	}
	if err != nil {
		return Position{}, fmt.Errorf("load checkpoint: %w", err)
	}
	var p Position
	if err := json.Unmarshal(b, &p); err != nil {
		return Position{}, fmt.Errorf("load checkpoint %s: %w: %w", string(f), ErrDamaged, err)
	}
	return p, nil
}

// Save implements Checkpoint.
func (f FileCheckpoint) Save(_ context.Context, p Position) (err error) {
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(string(f)), filepath.Base(string(f))+".*")
	if err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	_, werr := tmp.Write(b)
	if err := errors.Join(werr, tmp.Close()); err != nil {
		return errors.Join(fmt.Errorf("save checkpoint: %w", err), os.Remove(tmp.Name()))
	}
	if err := os.Rename(tmp.Name(), string(f)); err != nil {
		return errors.Join(fmt.Errorf("save checkpoint: %w", err), os.Remove(tmp.Name()))
	}
	return nil
}
