package httpapi_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tidings/internal/chat"
)

// mustGroup makes a group chat of the user and others, and gives its path.
func (w *world) mustGroup(u user, others ...user) string {
	w.Helper()
	ids := make([]string, len(others))
	for i, o := range others {
		ids[i] = fmt.Sprint(o.ID)
	}
	a := w.post("/api/groupchats", fmt.Sprintf(`{"name":"climbers","memberIds":[%s]}`, strings.Join(ids, ",")), as(u))
	var out struct{ GroupChat chat.GroupChat }
	if err := json.Unmarshal([]byte(a.body), &out); err != nil || a.status != 201 {
		w.Fatalf("%d %s %v", a.status, a.body, err)
	}
	w.secrets = append(w.secrets, out.GroupChat.ID)
	if got, want := a.header.Get("Location"), "/api/groupchats/"+out.GroupChat.ID; got != want {
		w.Errorf("Location %q, want %q", got, want)
	}
	return "/api/groupchats/" + out.GroupChat.ID
}

func TestGroupChats(t *testing.T) {
	both(t, func(w *world) {
		ann, ben, cat := w.mustRegister("ann"), w.mustRegister("ben"), w.mustRegister("cat")
		path := w.mustGroup(ann, ben)
		const view = `"readCount":0,"unreadCount":0,"memberSeq":1`
		w.want(w.get(path, as(ben)), 200, `{"groupChat":{"id":"<random>","seq":1,"name":"climbers","ownerId":1,"memberCount":2,"messageCount":0,
			"updatedAt":"2026-01-02T03:04:05.678Z",`+view+`}}`)
		w.want(w.send("PATCH", path, `{"name":"walkers"}`, as(ann)), 200, `{"groupChat":{"id":"<random>","seq":2,"name":"walkers","ownerId":1,"memberCount":2,
			"messageCount":0,"updatedAt":"2026-01-02T03:04:05.679Z",`+view+`}}`)
		w.want(w.send("PATCH", path, `{"ownerId":2}`, as(ann)), 200, `{"groupChat":{"id":"<random>","seq":3,"name":"walkers","ownerId":2,"memberCount":2,
			"messageCount":0,"updatedAt":"2026-01-02T03:04:05.680Z",`+view+`}}`)
		w.want(w.post(path+"/members", `{"userIds":[3,1]}`, as(ben)), 200, `{"groupChat":{"id":"<random>","seq":4,"name":"walkers","ownerId":2,"memberCount":3,
			"messageCount":0,"updatedAt":"2026-01-02T03:04:05.681Z",`+view+`}}`)
		w.want(w.get(path+"/members?limit=2", as(cat)), 200, `{"members":[
			{"id":1,"username":"ann","displayName":"ann","role":"member","joinedSeq":1},
			{"id":2,"username":"ben","displayName":"ben","role":"owner","joinedSeq":1}],
			"links":{"next":"`+w.anonymous(path)+`/members?after=2\u0026limit=2"}}`)
		w.want(w.get(path+"/members?after=2", as(cat)), 200, `{"members":[
			{"id":3,"username":"cat","displayName":"cat","role":"member","joinedSeq":4}],"links":{}}`)
		w.want(w.send("DELETE", path+"/members/1", "", as(ben)), 204, "")
		w.refused(w.get(path, as(ann)), 404, "group_not_found")
		w.want(w.get("/api/groupchats", as(ann)), 200, `{"groupChats":[]}`)
		w.want(w.send("DELETE", path, "", as(ben)), 204, "")
		w.refused(w.get(path, as(ben)), 404, "group_not_found")
		w.refused(w.get(path+"/members", as(ben)), 404, "group_not_found")
	})
}

func TestGroupChatRefusals(t *testing.T) {
	both(t, func(w *world) {
		ann, ben, cat := w.mustRegister("ann"), w.mustRegister("ben"), w.mustRegister("cat")
		path := w.mustGroup(ann, ben)
		fortyOne := "[" + strings.TrimSuffix(strings.Repeat("2,", 41), ",") + "]"
		for _, c := range []struct {
			by           user
			method, path string
			body         string
			status       int
			code         string
			fields       []string
		}{
			{ann, "POST", "/api/groupchats", `{}`, 422, "validation_failed", []string{"name required"}},
			{ann, "POST", "/api/groupchats", `{"name":" "}`, 422, "validation_failed", []string{"name group_name"}},
			{ann, "POST", "/api/groupchats", `{"name":"a\u0007b"}`, 422, "validation_failed", []string{"name group_name"}},
			{ann, "POST", "/api/groupchats", `{"name":"x","memberIds":2}`, 422, "validation_failed", []string{"memberIds wrong_type"}},
			{
				ann, "POST", "/api/groupchats", `{"name":"x","memberIds":[2,"3",4.5,0]}`, 422, "validation_failed",
				[]string{"memberIds[1] wrong_type", "memberIds[2] not_whole", "memberIds[3] out_of_range"},
			},
			{ann, "POST", "/api/groupchats", `{"name":"x","memberIds":[2,99]}`, 422, "validation_failed", []string{"memberIds[1] user_not_found"}},
			{ann, "POST", "/api/groupchats", `{"name":"x","memberIds":` + fortyOne + `}`, 422, "validation_failed", []string{"memberIds too_many"}},
			{ann, "PATCH", path, `{}`, 422, "validation_failed", []string{" one_of"}},
			{ann, "PATCH", path, `{"name":"x","ownerId":2}`, 422, "validation_failed", []string{" one_of"}},
			{ann, "PATCH", path, `{"ownerId":3}`, 404, "member_not_found", nil},
			{ben, "PATCH", path, `{"name":"x"}`, 403, "not_owner", nil},
			{ben, "PATCH", path, `{"name":"climbers"}`, 403, "not_owner", nil},
			{cat, "PATCH", path, `{"name":"x"}`, 404, "group_not_found", nil},
			{ann, "POST", path + "/members", `{"userIds":[]}`, 422, "validation_failed", []string{"userIds required"}},
			{ann, "POST", path + "/members", `{"userIds":[99]}`, 422, "validation_failed", []string{"userIds[0] user_not_found"}},
			{ben, "POST", path + "/members", `{"userIds":[3]}`, 403, "not_owner", nil},
			{cat, "POST", path + "/members", `{"userIds":[3]}`, 404, "group_not_found", nil},
			{ann, "DELETE", path + "/members/3", ``, 404, "member_not_found", nil},
			{ann, "DELETE", path + "/members/x", ``, 404, "member_not_found", nil},
			{cat, "DELETE", path + "/members/x", ``, 404, "group_not_found", nil},
			{ben, "DELETE", path + "/members/1", ``, 403, "not_owner", nil},
			{ben, "DELETE", path, ``, 403, "not_owner", nil},
			{ann, "DELETE", path, `{"sure":true}`, 422, "validation_failed", []string{"sure unknown_field"}},
			{cat, "GET", path + "/messages", ``, 404, "group_not_found", nil},
			{cat, "POST", path + "/typing", ``, 404, "group_not_found", nil},
			{ann, "GET", path + "/members?limit=0", ``, 422, "validation_failed", []string{"limit out_of_range"}},
			{ann, "GET", path + "/members?after=x", ``, 422, "validation_failed", []string{"after user_id"}},
			{ann, "GET", "/api/groupchats/1-2", ``, 404, "group_not_found", nil},
			{ann, "GET", "/api/groupchats/01890A5D-AC96-774B-BCCE-B302099A8057", ``, 404, "group_not_found", nil},
			{ann, "GET", "/api/conversations/" + strings.TrimPrefix(path, "/api/groupchats/"), ``, 404, "conversation_not_found", nil},
		} {
			w.refused(w.send(c.method, c.path, c.body, as(c.by)), c.status, c.code, c.fields...)
		}
	})
}
