package chat

// EventType is a type of event as clients are told of it: docs/asyncapi.yaml and
// docs/events.md are made of these.
type EventType struct {
	Name string
	Doc  string // when it is sent and to whom, in a sentence
	// Data is of the type that Event.Data holds. Its value is the example, unless a
	// golden file in testdata has one.
	Data any
	// Ephemeral events have no id: a stream that isn't there misses them for good.
	Ephemeral bool
}

// EventTypes are all types that entries and ephemerals make.
var EventTypes = []EventType{
	{Name: "message", Doc: "A message, to the other members.", Data: messageEvent{}},
	{Name: "notification", Doc: "Something that others did and that the user may want to be told of, to that user.", Data: Notification{}},
	{Name: "conversation_update", Doc: "A 1:1 conversation has changed, to both members; the author of a message gets it here.", Data: conversationUpdate{}},
	{Name: "group_update", Doc: "A group chat has changed, to all members, those too that it removes; the author of a message gets it here.", Data: groupUpdate{}},
	{Name: "read", Doc: "The user has read up to a message, to the user's own streams.", Data: readMark{}},
	{
		Name: "friends_changed", Data: friendsChanged{},
		Doc: "Friends or friend requests have changed in a way that no notification tells, to the user's own streams. With a requestId, its notification is read.",
	},
	{Name: "notification_read", Doc: "Notifications were read, to the user's own streams.", Data: notificationRead{}},
	{Name: "typing", Doc: "A member is writing, to the others.", Ephemeral: true, Data: typingData{
		place: place{ConversationID: "1-2"}, User: UserRef{ID: 1, Username: "alice", DisplayName: "Alice"},
	}},
	{Name: "receipt", Doc: "A member has read up to a message, to the others.", Ephemeral: true, Data: receiptData{
		place: place{ConversationID: "1-2"}, UserID: 2, MessageID: "17", ReadCount: 9,
	}},
}

// MayMake says whether entries of the log can make events of that type. A user's own
// log takes whatever other services emit.
func (l LogID) MayMake(typ string) bool {
	switch {
	case l.Is(ConversationPrefix):
		return typ == "message" || typ == "notification" || typ == "conversation_update"
	case l.Is(GroupPrefix):
		return typ == "message" || typ == "notification" || typ == "group_update"
	default:
		return true
	}
}
