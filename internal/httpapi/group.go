package httpapi

import (
	"net/http"

	"tidings/internal/chat"
)

var (
	groupIDParam    = pathParam("id", "the group chat's id", "01890a5d-ac96-774b-bcce-b302099a8057")
	groupNameSchema = Schema{Type: "string", MinLength: 1, MaxLength: chat.MaxGroupName, Pattern: namePattern, Example: "climbers"}
	userIDsSchema   = Schema{Type: "array", Items: &userIDSchema, MaxItems: chat.MaxAdded}

	memberPageParams = []Field{
		{Name: "after", Doc: "the member that the page begins after", Optional: true, Schema: Schema{Type: "string", Pattern: `^[1-9][0-9]{0,15}$`, Example: "2"}},
		limitParam(chat.DefaultPageSize, chat.MaxPageSize),
	}
)

var groupRoutes = []Route{
	{
		Method: "GET", Path: "/api/groupchats", handle: (*API).listGroups,
		Summary: "List one's group chats, the newest change first", Answers: map[int]any{200: groupsAnswer{}},
	},
	{
		Method: "POST", Path: "/api/groupchats", handle: (*API).createGroup,
		Summary: "Make a group chat, of which one is the owner",
		Body: []Field{
			{Name: "name", Doc: "the name, trimmed", Schema: groupNameSchema},
			{Name: "memberIds", Doc: "the other members", Optional: true, Schema: userIDsSchema},
		},
		Answers: map[int]any{201: groupAnswer{}}, Location: true, Errors: appends(chat.ErrNotFriends, chat.ErrTooManyConversations),
	},
	{
		Method: "GET", Path: "/api/groupchats/{id}", handle: (*API).group,
		Summary: "Show one group chat", Params: []Field{groupIDParam},
		Answers: map[int]any{200: groupAnswer{}}, Errors: []*chat.Error{chat.ErrGroupNotFound},
	},
	{
		Method: "PATCH", Path: "/api/groupchats/{id}", handle: (*API).changeGroup,
		Summary: "Rename a group chat or hand it over; the owner may", Params: []Field{groupIDParam},
		Body: []Field{
			{Name: "name", Doc: "the new name, trimmed", Optional: true, Schema: groupNameSchema},
			{Name: "ownerId", Doc: "the member who is the owner from now on", Optional: true, Schema: userIDSchema},
		},
		OneOf:   []string{"name", "ownerId"},
		Answers: map[int]any{200: groupAnswer{}}, Errors: appends(chat.ErrGroupNotFound, chat.ErrNotOwner, chat.ErrMemberNotFound),
	},
	{
		Method: "DELETE", Path: "/api/groupchats/{id}", handle: (*API).deleteGroup,
		Summary: "End a group chat for all; the owner may", Params: []Field{groupIDParam},
		Answers: map[int]any{204: nil}, Errors: appends(chat.ErrGroupNotFound, chat.ErrNotOwner),
	},
	{
		Method: "GET", Path: "/api/groupchats/{id}/members", handle: (*API).listMembers,
		Summary: "Read a page of the members, in the order of their ids as text", Params: append([]Field{groupIDParam}, memberPageParams...),
		Answers: map[int]any{200: membersAnswer{}}, Errors: []*chat.Error{chat.ErrGroupNotFound},
	},
	{
		Method: "POST", Path: "/api/groupchats/{id}/members", handle: (*API).addMembers,
		Summary: "Add users; the owner may", Params: []Field{groupIDParam},
		Detail:  "Users who are members already are passed over.",
		Body:    []Field{{Name: "userIds", Doc: "the new members", Schema: Schema{Type: "array", Items: &userIDSchema, MinItems: 1, MaxItems: chat.MaxAdded}}},
		Answers: map[int]any{200: groupAnswer{}},
		Errors:  appends(chat.ErrGroupNotFound, chat.ErrNotOwner, chat.ErrNotFriends, chat.ErrTooManyConversations, chat.ErrGroupFull, chat.ErrJoinedTooOften),
	},
	{
		Method: "DELETE", Path: "/api/groupchats/{id}/members/{userId}", handle: (*API).removeMember,
		Summary: "Remove a member, as the owner may, or leave", Params: []Field{groupIDParam, pathParam("userId", "the member's id", "2")},
		Detail:  "An owner who leaves hands over to the longest member; the last one out ends the group chat.",
		Answers: map[int]any{204: nil}, Errors: appends(chat.ErrGroupNotFound, chat.ErrNotOwner, chat.ErrMemberNotFound, chat.ErrOwnerStays),
	},
}

type (
	groupAnswer struct {
		GroupChat chat.GroupChat `json:"groupChat"`
	}
	groupsAnswer struct {
		GroupChats []chat.GroupChat `json:"groupChats"`
	}
	membersAnswer struct {
		Members []chat.GroupMember `json:"members"`
		Links   nextLink           `json:"links"`
	}
	// nextLink is relative to the API's origin, missing on the last page.
	nextLink struct {
		Next string `json:"next,omitempty"`
	}
)

func (a *API) listGroups(c *call) error {
	list, err := a.Groups.List(c.ctx(), c.user())
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, groupsAnswer{list})
}

func (a *API) createGroup(c *call) error {
	f := c.fields()
	name, others := f.text("name"), f.userIDs("memberIds", false, chat.MaxAdded)
	if err := f.err(); err != nil {
		return err
	}
	g, err := a.Groups.Create(c.ctx(), c.user(), name, others, c.idempotency)
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", "/api/groupchats/"+g.ID)
	return c.answer(http.StatusCreated, groupAnswer{g})
}

func (a *API) group(c *call) error {
	log, err := c.log()
	if err != nil {
		return err
	}
	g, err := a.Groups.Get(c.ctx(), c.user(), log)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, groupAnswer{g})
}

func (a *API) changeGroup(c *call) error {
	log, err := c.log()
	if err != nil {
		return err
	}
	f := c.fields()
	name, heir := f.optionalText("name"), f.optionalUserID("ownerId")
	named, handed := f.given("name"), f.given("ownerId")
	if named == handed {
		c.reject("", "one_of", "Exactly one of name and ownerId is needed.")
	}
	if err := f.err(); err != nil {
		return err
	}
	var g chat.GroupChat
	if named {
		g, err = a.Groups.Rename(c.ctx(), c.user(), log, name)
	} else {
		g, err = a.Groups.SetOwner(c.ctx(), c.user(), log, heir)
	}
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, groupAnswer{g})
}

func (a *API) deleteGroup(c *call) error {
	log, err := c.log()
	if err != nil {
		return err
	}
	if err := c.noFields(); err != nil {
		return err
	}
	if err := a.Groups.Delete(c.ctx(), c.user(), log); err != nil {
		return err
	}
	return c.done(http.StatusNoContent)
}

func (a *API) listMembers(c *call) error {
	log, err := c.log()
	if err != nil {
		return err
	}
	after, limit := c.userParameter("after"), c.limit()
	if err := c.invalid(); err != nil {
		return err
	}
	p, err := a.Groups.ListMembers(c.ctx(), c.user(), log, after, limit)
	if err != nil {
		return err
	}
	answer := membersAnswer{Members: p.Members}
	if n := len(p.Members); p.More && n > 0 {
		answer.Links.Next = pagePath(c.r.URL.Path, "after", int64(p.Members[n-1].ID), limit)
	}
	return c.answer(http.StatusOK, answer)
}

// afterUser is where a page of users begins; 0: at the first.
func (a *API) addMembers(c *call) error {
	log, err := c.log()
	if err != nil {
		return err
	}
	f := c.fields()
	users := f.userIDs("userIds", true, chat.MaxAdded)
	if err := f.err(); err != nil {
		return err
	}
	g, err := a.Groups.Add(c.ctx(), c.user(), log, users, c.idempotency)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, groupAnswer{g})
}

func (a *API) removeMember(c *call) error {
	log, err := c.log()
	if err != nil {
		return err
	}
	if err := c.noFields(); err != nil {
		return err
	}
	target, ok := chat.ParseUserID(c.r.PathValue("userId"))
	if !ok {
		// Whether one may know who is no member is for members to know.
		if _, err := a.Groups.Get(c.ctx(), c.user(), log); err != nil {
			return err
		}
		return chat.ErrMemberNotFound
	}
	if err := a.Groups.Remove(c.ctx(), c.user(), log, target); err != nil {
		return err
	}
	return c.done(http.StatusNoContent)
}
