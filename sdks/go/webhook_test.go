package parley

import "testing"

func TestAnEmptySecretIsNone(t *testing.T) {
	for _, secrets := range [][]string{{}, {""}, {"whsec_"}, {"webhook_secret", ""}, {"whsec_?"}} {
		if webhook, err := NewWebhook(secrets...); err == nil || webhook != nil {
			t.Fatal(secrets, webhook)
		}
	}
}
