package metricsapi_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// The shapes of replies, as the OpenAPI file of the Metrics API has them: what is required, and of which type each
// property is. Properties that it does not have are allowed, by its own policy. Replies of these tests were also held
// to that file itself: confluentinc/ccloud-sdk-go-v2, metrics/v2/api/openapi.yaml at b5d63ec.

type shape func(v any) error

func object(required []string, properties map[string]shape, others shape) shape {
	return func(v any) error {
		m, ok := v.(map[string]any)
		if !ok {
			return fmt.Errorf("%v is no object", v)
		}
		for _, name := range required {
			if _, ok := m[name]; !ok {
				return fmt.Errorf("%s is missing", name)
			}
		}
		for name, x := range m {
			check := properties[name]
			if check == nil {
				check = others
			}
			if check == nil {
				continue
			}
			if err := check(x); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	}
}

func array(of shape) shape {
	return func(v any) error {
		list, ok := v.([]any)
		if !ok {
			return fmt.Errorf("%v is no array", v)
		}
		for i, x := range list {
			if err := of(x); err != nil {
				return fmt.Errorf("[%d]: %w", i, err)
			}
		}
		return nil
	}
}

func text(v any) error {
	if _, ok := v.(string); !ok {
		return fmt.Errorf("%v is no string", v)
	}
	return nil
}

func oneOf(values ...string) shape {
	return func(v any) error {
		if s, ok := v.(string); !ok || !slices.Contains(values, s) {
			return fmt.Errorf("%v is none of %v", v, values)
		}
		return nil
	}
}

func boolean(v any) error {
	if _, ok := v.(bool); !ok {
		return fmt.Errorf("%v is no boolean", v)
	}
	return nil
}

func number(v any) error {
	if _, ok := v.(float64); !ok {
		return fmt.Errorf("%v is no number", v)
	}
	return nil
}

func integer(v any) error {
	if n, ok := v.(float64); !ok || n != math.Trunc(n) {
		return fmt.Errorf("%v is no integer", v)
	}
	return nil
}

func instant(v any) error {
	s, ok := v.(string)
	if _, err := time.Parse(time.RFC3339, s); !ok || err != nil {
		return fmt.Errorf("%v is no date-time", v)
	}
	return nil
}

var (
	pagination = object([]string{"page_size"}, map[string]shape{"page_size": integer, "total_size": integer, "next_page_token": text}, nil)
	metaShape  = object([]string{"pagination"}, map[string]shape{"pagination": pagination}, nil)
	linksShape = object(nil, map[string]shape{"next": text}, nil)
	labelShape = object([]string{"description", "key"}, map[string]shape{"description": text, "key": text, "exportable": boolean}, nil)
	pointShape = object([]string{"timestamp", "value"}, map[string]shape{"timestamp": instant, "value": number}, text)
	// the items of points have no labels
	groupShape  = object([]string{"points"}, map[string]shape{"points": array(pointShape)}, text)
	metricShape = object([]string{"description", "exportable", "labels", "lifecycle_stage", "name", "resources", "type", "unit"}, map[string]shape{
		"description": text, "exportable": boolean, "labels": array(labelShape), "lifecycle_stage": oneOf("PREVIEW", "GENERAL_AVAILABILITY", "DEPRECATED"),
		"name": text, "resources": array(text), "type": oneOf("GAUGE_INT64", "GAUGE_DOUBLE", "COUNTER_INT64", "COUNTER_DOUBLE"), "unit": text,
	}, nil)
	resourceShape = object([]string{"description", "labels", "type"}, map[string]shape{"description": text, "labels": array(labelShape), "type": text}, nil)
	errorShape    = object([]string{"errors"}, map[string]shape{"errors": array(object([]string{"status", "detail"}, map[string]shape{
		"id": text, "status": text, "code": text, "detail": text, "meta": metaShape, "links": linksShape,
	}, nil))}, nil)
)

func paged(of shape) shape {
	return object([]string{"data", "meta"}, map[string]shape{"data": array(of), "meta": metaShape, "links": linksShape}, nil)
}

// checkShape holds a reply against the shape that belongs to its path.
func checkShape(t *testing.T, method, path, asked string, code int, body []byte) {
	t.Helper()
	_, kind, _ := strings.Cut(path, "/")
	kind, _, _ = strings.Cut(kind, "?")
	want := map[string]shape{
		"query":                 object([]string{"data"}, map[string]shape{"data": array(pointShape), "meta": metaShape}, nil),
		"attributes":            paged(object(nil, nil, text)),
		"descriptors/metrics":   paged(metricShape),
		"descriptors/resources": paged(resourceShape),
	}[kind]
	if kind == "query" && strings.Contains(asked, `"GROUPED"`) {
		want = object([]string{"data"}, map[string]shape{"data": array(groupShape), "meta": metaShape}, nil)
	}
	if code != http.StatusOK {
		want = errorShape
	}
	var v any
	err := json.Unmarshal(body, &v)
	if err == nil {
		err = want(v)
	}
	if err != nil {
		t.Errorf("%s %s %s is answered with %d in another shape: %v\n%s", method, path, asked, code, err, body)
	}
}
