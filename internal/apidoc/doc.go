// Package apidoc makes the documents in docs/ from the code: openapi.yaml from the
// routes of internal/httpapi, asyncapi.yaml and events.md from the event types of
// internal/chat and internal/stream, and the page that shows both. Types are
// described by reflection over their json tags, and by the comments in their source.
//
// It also holds tests to the documents (Contract). No executable imports it.
package apidoc
