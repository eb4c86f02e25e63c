package secrets

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func do(s *Service, target, body string) (int, string) {
	w := httptest.NewRecorder()
	s.Serve(w, target, []byte(body))
	return w.Code, w.Body.String()
}

// step is one request, with a part of the answer that is wanted.
type step struct {
	name, target, body string
	code               int
	want               string
}

func run(t *testing.T, s *Service, steps []step) {
	for _, st := range steps {
		t.Run(st.name, func(t *testing.T) {
			if code, body := do(s, st.target, st.body); code != st.code || !strings.Contains(body, st.want) {
				t.Errorf("%d %s, want %d %s", code, body, st.code, st.want)
			}
		})
	}
}

func TestParameter(t *testing.T) {
	s := New(Options{Region: "us-east-1", Account: "000000000000"})
	run(t, s, []step{
		{"PutOK", "AmazonSSM.PutParameter", `{"Name":"/a/b","Value":"v1","Type":"SecureString"}`, 200, `"Version":1`},
		{"PutErrExists", "AmazonSSM.PutParameter", `{"Name":"/a/b","Value":"v2","Type":"String"}`, 400, "ParameterAlreadyExists"},
		{"PutOverwrites", "AmazonSSM.PutParameter", `{"Name":"/a/b","Value":"v2","Overwrite":true}`, 200, `"Version":2`},
		{"PutErrType", "AmazonSSM.PutParameter", `{"Name":"/a/c","Value":"v"}`, 400, "ValidationException"},
		{"PutErrValue", "AmazonSSM.PutParameter", `{"Name":"/a/c","Value":"","Type":"String"}`, 400, "ValidationException"},
		{"GetDecrypted", "AmazonSSM.GetParameter", `{"Name":"/a/b","WithDecryption":true}`, 200, `"Value":"v2"`},
		{"GetByARN", "AmazonSSM.GetParameter", `{"Name":"arn:aws:ssm:us-east-1:000000000000:parameter/a/b","WithDecryption":true}`, 200, `"Value":"v2"`},
		{"GetErrUnknown", "AmazonSSM.GetParameter", `{"Name":"/a/c"}`, 400, "ParameterNotFound"},
		{"GetSeveral", "AmazonSSM.GetParameters", `{"Names":["/a/b","/a/c"],"WithDecryption":true}`, 200, `"InvalidParameters":["/a/c"]`},
		{"DeleteOK", "AmazonSSM.DeleteParameter", `{"Name":"/a/b"}`, 200, "{}"},
		{"DeleteErrUnknown", "AmazonSSM.DeleteParameter", `{"Name":"/a/b"}`, 400, "ParameterNotFound"},
		{"ErrOperation", "AmazonSSM.LabelParameterVersion", `{}`, 400, "UnknownOperationException"},
		{"ErrNotJSON", "AmazonSSM.GetParameter", `{`, 400, "SerializationException"},
	})
	if _, body := do(s, "AmazonSSM.GetParameter", `{"Name":"/a/b"}`); strings.Contains(body, `"v2"`) {
		t.Errorf("shown without decryption: %s", body)
	}
}

func TestSecret(t *testing.T) {
	s := New(Options{Region: "us-east-1", Account: "000000000000"})
	run(t, s, []step{
		{"CreateOK", "secretsmanager.CreateSecret", `{"Name":"n","SecretString":"one"}`, 200, "arn:aws:secretsmanager:us-east-1:000000000000:secret:n-"},
		{"CreateErrExists", "secretsmanager.CreateSecret", `{"Name":"n","SecretString":"x"}`, 400, "ResourceExistsException"},
		{"CreateErrNoValue", "secretsmanager.CreateSecret", `{"Name":"m"}`, 400, "InvalidRequestException"},
		{"PutOK", "secretsmanager.PutSecretValue", `{"SecretId":"n","SecretString":"two"}`, 200, "AWSCURRENT"},
		{"GetCurrent", "secretsmanager.GetSecretValue", `{"SecretId":"n"}`, 200, `"SecretString":"two"`},
		{"GetPrevious", "secretsmanager.GetSecretValue", `{"SecretId":"n","VersionStage":"AWSPREVIOUS"}`, 200, `"SecretString":"one"`},
		{"GetErrVersion", "secretsmanager.GetSecretValue", `{"SecretId":"n","VersionId":"no"}`, 400, "ResourceNotFoundException"},
		{"GetErrUnknown", "secretsmanager.GetSecretValue", `{"SecretId":"m"}`, 400, "ResourceNotFoundException"},
		{"DeleteSchedules", "secretsmanager.DeleteSecret", `{"SecretId":"n"}`, 200, "DeletionDate"},
		{"GetErrDeleted", "secretsmanager.GetSecretValue", `{"SecretId":"n"}`, 400, "marked for deletion"},
		{"CreateBinary", "secretsmanager.CreateSecret", `{"Name":"b","SecretBinary":"AQI="}`, 200, "VersionId"},
		{"GetBinary", "secretsmanager.GetSecretValue", `{"SecretId":"b"}`, 200, `"SecretBinary":"AQI="`},
		{"DeleteAtOnce", "secretsmanager.DeleteSecret", `{"SecretId":"b","ForceDeleteWithoutRecovery":true}`, 200, "DeletionDate"},
		{"CreateAgain", "secretsmanager.CreateSecret", `{"Name":"b","SecretString":"new"}`, 200, "VersionId"},
	})
	_, body := do(s, "secretsmanager.GetSecretValue", `{"SecretId":"b"}`)
	var out struct{ ARN string }
	if err := json.Unmarshal([]byte(body), &out); err != nil {
		t.Fatal(err)
	}
	if code, body := do(s, "secretsmanager.GetSecretValue", `{"SecretId":"`+out.ARN+`"}`); code != 200 {
		t.Errorf("by ARN: %s", body)
	}
}

func TestReplay(t *testing.T) {
	var records [][]byte
	full := false
	o := Options{Region: "us-east-1", Account: "000000000000", Append: func(b []byte) error {
		if full {
			return errors.New("disk full")
		}
		records = append(records, b)
		return nil
	}}
	s := New(o)
	for _, r := range [][2]string{
		{"AmazonSSM.PutParameter", `{"Name":"p","Value":"v","Type":"String"}`},
		{"AmazonSSM.PutParameter", `{"Name":"gone","Value":"v","Type":"String"}`},
		{"AmazonSSM.DeleteParameter", `{"Name":"gone"}`},
		{"secretsmanager.CreateSecret", `{"Name":"n","SecretString":"one"}`},
		{"secretsmanager.PutSecretValue", `{"SecretId":"n","SecretString":"two"}`},
	} {
		if code, body := do(s, r[0], r[1]); code != 200 {
			t.Fatal(body)
		}
	}
	full = true
	if code, body := do(s, "AmazonSSM.DeleteParameter", `{"Name":"p"}`); code != 500 {
		t.Errorf("%d %s", code, body)
	}
	var snapshot [][]byte
	if err := s.Snapshot(func(b []byte) error { snapshot = append(snapshot, b); return nil }); err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string][][]byte{"records": records, "snapshot": snapshot} {
		again := New(o)
		for _, r := range from {
			if err := again.Replay(r); err != nil {
				t.Fatal(err)
			}
		}
		run(t, again, []step{
			{name + "/KeepsParameter", "AmazonSSM.GetParameter", `{"Name":"p"}`, 200, `"Value":"v"`},
			{name + "/KeepsDeletion", "AmazonSSM.GetParameter", `{"Name":"gone"}`, 400, "ParameterNotFound"},
			{name + "/KeepsSecret", "secretsmanager.GetSecretValue", `{"SecretId":"n"}`, 200, `"two"`},
			{name + "/KeepsPrevious", "secretsmanager.GetSecretValue", `{"SecretId":"n","VersionStage":"AWSPREVIOUS"}`, 200, `"one"`},
		})
	}
}
