package events

import (
	"errors"
	"fmt"
	"strconv"

	"tidings/internal/chat"
)

// Config says where Tidings is, and who emits.
type Config struct {
	// Table is the name of the DynamoDB table. TABLE_NAME.
	Table string
	// TopicARN is the SNS topic that the streamers listen to. TOPIC_ARN.
	TopicARN string
	// Cells is the number of cells that the streamers are divided into, as all functions
	// are told. CELLS, default 1.
	Cells int
	// Caller names the service: 1 to 32 small letters, digits and hyphens. Its keys and
	// its rate are its own. EMIT_CALLER.
	Caller string
}

// ReadConfig reads a Config from the variables that the functions of Tidings have too,
// usually by os.Getenv.
func ReadConfig(getenv func(string) string) (Config, error) {
	c := Config{Table: getenv("TABLE_NAME"), TopicARN: getenv("TOPIC_ARN"), Caller: getenv("EMIT_CALLER"), Cells: 1}
	var err error
	if v := getenv("CELLS"); v != "" {
		if c.Cells, err = strconv.Atoi(v); err != nil {
			err = fmt.Errorf("CELLS: %q is no number", v)
		}
	}
	return c, errors.Join(err, c.check())
}

// check reports all that is wrong at once, by the names of the variables.
func (c Config) check() error {
	var errs []error
	if c.Table == "" {
		errs = append(errs, errors.New("TABLE_NAME: is not set"))
	}
	if c.TopicARN == "" {
		errs = append(errs, errors.New("TOPIC_ARN: is not set"))
	}
	if c.Cells < 1 || c.Cells > 256 {
		errs = append(errs, fmt.Errorf("CELLS: %d is not from 1 to 256", c.Cells))
	}
	if !chat.IsCaller(c.Caller) {
		errs = append(errs, fmt.Errorf("EMIT_CALLER: %q is not 1 to 32 small letters, digits and hyphens", c.Caller))
	}
	return errors.Join(errs...)
}
