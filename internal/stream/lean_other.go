//go:build !linux

package stream

import "net/http"

type poller struct{}

func (h *Handler) newSocket(w http.ResponseWriter, _ *http.Request) socket { return newPortable(w) }
