package secrets

import (
	"crypto/rand"
	"regexp"
	"time"

	"tidings/local/aws/wire"
)

// maxSecret is AWS's limit of a secret's value, in bytes.
const maxSecret = 64 << 10

var secretName = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]{1,512}$`)

// secret has its current and its previous version.
type secret struct {
	Suffix   string // of the ARN, random as on AWS
	Current  version
	Previous *version
	Deleted  time.Time // scheduled deletion; zero: none
}

type version struct {
	ID      string
	Text    *string
	Binary  []byte
	Created time.Time
}

type secretInput struct {
	Name, SecretId             string
	SecretString               *string
	SecretBinary               []byte
	ClientRequestToken         string
	VersionId, VersionStage    string
	ForceDeleteWithoutRecovery bool
	RecoveryWindowInDays       *int
}

func (s *Service) secretARN(name string, sec secret) string {
	return "arn:aws:secretsmanager:" + s.opts.Region + ":" + s.opts.Account + ":secret:" + name + "-" + sec.Suffix
}

func (s *Service) version(in secretInput) (version, error) {
	if (in.SecretString == nil) == (len(in.SecretBinary) == 0) {
		return version{}, wire.Errorf("InvalidRequestException", "You must provide either SecretString or SecretBinary.")
	}
	if in.SecretString != nil && len(*in.SecretString) > maxSecret || len(in.SecretBinary) > maxSecret {
		return version{}, errInvalid("A secret's value can have at most 65536 bytes.")
	}
	v := version{ID: in.ClientRequestToken, Text: in.SecretString, Binary: in.SecretBinary, Created: s.opts.Now()}
	if v.ID == "" {
		v.ID = rand.Text()
	}
	return v, nil
}

// lookup finds a secret by name or ARN.
func (s *Service) lookup(id string) (string, secret, error) {
	name := id
	sec, ok := s.secrets[name]
	if !ok {
		for n, candidate := range s.secrets {
			if s.secretARN(n, candidate) == id {
				name, sec, ok = n, candidate, true
			}
		}
	}
	if !ok {
		return "", secret{}, wire.Errorf("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	}
	if !sec.Deleted.IsZero() {
		return "", secret{}, wire.Errorf("InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion.")
	}
	return name, sec, nil
}

type secretOutput struct {
	ARN           string
	Name          string
	VersionId     string   `json:",omitempty"`
	VersionStages []string `json:",omitempty"`
	SecretString  *string  `json:",omitempty"`
	SecretBinary  []byte   `json:",omitempty"`
	CreatedDate   float64  `json:",omitempty"`
	DeletionDate  float64  `json:",omitempty"`
}

func (s *Service) createSecret(in secretInput) (any, error) {
	if !secretName.MatchString(in.Name) {
		return nil, errInvalid("Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
	if have, ok := s.secrets[in.Name]; ok {
		if !have.Deleted.IsZero() {
			return nil, wire.Errorf("InvalidRequestException", "You can't create this secret because a secret with this name is already scheduled for deletion.")
		}
		return nil, wire.Errorf("ResourceExistsException", "The operation failed because the secret "+in.Name+" already exists.")
	}
	v, err := s.version(in)
	if err != nil {
		return nil, err
	}
	sec := secret{Suffix: rand.Text()[:6], Current: v}
	if err := s.keep(record{Kind: "secret", Name: in.Name, Secret: &sec}); err != nil {
		return nil, err
	}
	return secretOutput{ARN: s.secretARN(in.Name, sec), Name: in.Name, VersionId: v.ID}, nil
}

func (s *Service) getSecretValue(in secretInput) (any, error) {
	name, sec, err := s.lookup(in.SecretId)
	if err != nil {
		return nil, err
	}
	out := secretOutput{ARN: s.secretARN(name, sec), Name: name}
	for stage, v := range map[string]*version{"AWSCURRENT": &sec.Current, "AWSPREVIOUS": sec.Previous} {
		asked := in.VersionStage == stage || in.VersionStage == "" && (stage == "AWSCURRENT" || in.VersionId != "")
		if v == nil || !asked || in.VersionId != "" && in.VersionId != v.ID {
			continue
		}
		out.VersionId, out.VersionStages = v.ID, []string{stage}
		out.SecretString, out.SecretBinary, out.CreatedDate = v.Text, v.Binary, seconds(v.Created)
		return out, nil
	}
	return nil, wire.Errorf("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for that version or staging label.")
}

func (s *Service) putSecretValue(in secretInput) (any, error) {
	name, sec, err := s.lookup(in.SecretId)
	if err != nil {
		return nil, err
	}
	v, err := s.version(in)
	if err != nil {
		return nil, err
	}
	old := sec.Current
	sec.Previous, sec.Current = &old, v
	if err := s.keep(record{Kind: "secret", Name: name, Secret: &sec}); err != nil {
		return nil, err
	}
	return secretOutput{ARN: s.secretARN(name, sec), Name: name, VersionId: v.ID, VersionStages: []string{"AWSCURRENT"}}, nil
}

// deleteSecret removes at once when asked to; otherwise it schedules, 30 days ahead
// unless given, and the name stays taken.
func (s *Service) deleteSecret(in secretInput) (any, error) {
	name, sec, err := s.lookup(in.SecretId)
	if err != nil {
		return nil, err
	}
	out := secretOutput{ARN: s.secretARN(name, sec), Name: name, DeletionDate: seconds(s.opts.Now())}
	if in.ForceDeleteWithoutRecovery {
		return out, s.keep(record{Kind: "secret", Name: name})
	}
	days := 30
	if in.RecoveryWindowInDays != nil {
		if days = *in.RecoveryWindowInDays; days < 7 || days > 30 {
			return nil, wire.Errorf("InvalidParameterException", "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
		}
	}
	sec.Deleted = s.opts.Now().AddDate(0, 0, days)
	out.DeletionDate = seconds(sec.Deleted)
	return out, s.keep(record{Kind: "secret", Name: name, Secret: &sec})
}
