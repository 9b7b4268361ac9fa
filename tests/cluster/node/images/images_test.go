package images

import "testing"

func TestImagesAreFound(t *testing.T) {
	images := Images{"gateway": "/a", "team/gateway": "/b", "gateway:v2": "/c", "echo/basic": "/d"}
	for image, program := range map[string]string{
		"gateway":                              "/a",
		"gateway:v1":                           "/a",
		"gateway:v2":                           "/c",
		"gateway@sha256:00":                    "/a",
		"example.test/gateway:v1":              "/a",
		"example.test:5000/gateway":            "/a",
		"example.test/team/gateway:v1":         "/b",
		"example.test:5000/echo/basic@sha256:": "/d",
		"basic":                                "",
		"my-gateway":                           "",
		"gateway/other":                        "",
	} {
		if found, ok := images.Find(image); found != program || ok != (program != "") {
			t.Errorf("%s: %q, %v", image, found, ok)
		}
	}
}

func TestAFlagIsANameAndAProgram(t *testing.T) {
	images := Images{}
	for _, text := range []string{"", "gateway", "=program", "gateway="} {
		if images.Set(text) == nil {
			t.Errorf("%q was taken", text)
		}
	}
	if err := images.Set("gateway=program"); err != nil || images["gateway"] != "program" {
		t.Errorf("%v, %v", images, err)
	}
}
