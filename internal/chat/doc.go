// Package chat is the domain: users, sessions, logs and their entries,
// memberships, conversations and messages, and the rules between them.
//
// It imports the standard library only. Storage, transport and cryptography are
// interfaces that the packages around it implement.
package chat
