//go:build !linux

package stream

import (
	"net"
	"net/http"
)

type poller struct{}

func (h *Handler) newSocket(w http.ResponseWriter, _ *http.Request) socket { return newPortable(w) }

// Listen listens on a TCP address for an http.Server.
func (h *Handler) Listen(address string) (net.Listener, error) { return net.Listen("tcp", address) }
