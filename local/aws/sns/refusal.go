package sns

import "net/http"

// refusal is an error as AWS words it.
type refusal struct {
	status        int
	code, message string
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

func refuse(status int, code, message string) error { return &refusal{status, code, message} }

// errInvalid is AWS's InvalidParameter: what follows names the parameter and the reason.
func errInvalid(what string) error {
	return refuse(http.StatusBadRequest, "InvalidParameter", "Invalid parameter: "+what)
}

// errAttribute refuses a message attribute.
func errAttribute(message string) error {
	return refuse(http.StatusBadRequest, "ParameterValueInvalid", message)
}

func errNotFound(what string) error {
	return refuse(http.StatusNotFound, "NotFound", what+" does not exist")
}
