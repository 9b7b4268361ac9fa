package pods

import (
	"context"
	"fmt"
	"sync"
	"time"

	authentication "k8s.io/api/authentication/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"
)

// Objects are what pods take from other objects: as they are in the cluster now.
type Objects struct {
	client     kubernetes.Interface
	secrets    listers.SecretLister
	configMaps listers.ConfigMapLister

	mutex  sync.Mutex
	tokens map[tokenKey]token
}

type tokenKey struct {
	pod              types.UID
	audience, volume string
}

type token struct {
	text  []byte
	renew time.Time
}

// NewObjects watches them with a factory that is not started yet; changed is called with
// the namespace of each that changes.
func NewObjects(client kubernetes.Interface, factory informers.SharedInformerFactory, changed func(namespace string)) (*Objects, error) {
	secrets := factory.Core().V1().Secrets()
	configMaps := factory.Core().V1().ConfigMaps()
	tell := func(object any) {
		if about, err := cache.DeletionHandlingObjectToName(object); err == nil {
			changed(about.Namespace)
		}
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    tell,
		UpdateFunc: func(_, object any) { tell(object) },
		DeleteFunc: tell,
	}
	for _, informer := range []cache.SharedIndexInformer{secrets.Informer(), configMaps.Informer()} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return nil, err
		}
	}
	return &Objects{
		client:     client,
		secrets:    secrets.Lister(),
		configMaps: configMaps.Lister(),
		tokens:     map[tokenKey]token{},
	}, nil
}

// Secret is one, which must not be changed.
func (o *Objects) Secret(namespace, name string) (*v1.Secret, error) {
	return o.secrets.Secrets(namespace).Get(name)
}

// ConfigMap is one, which must not be changed.
func (o *Objects) ConfigMap(namespace, name string) (*v1.ConfigMap, error) {
	return o.configMaps.ConfigMaps(namespace).Get(name)
}

// Token is a token of the pod's ServiceAccount, renewed when most of its time is over.
func (o *Objects) Token(pod *v1.Pod, wanted *v1.ServiceAccountTokenProjection) ([]byte, error) {
	key := tokenKey{pod.UID, wanted.Audience, wanted.Path}
	o.mutex.Lock()
	known, found := o.tokens[key]
	o.mutex.Unlock()
	if found && time.Now().Before(known.renew) {
		return known.text, nil
	}

	request := &authentication.TokenRequest{Spec: authentication.TokenRequestSpec{
		ExpirationSeconds: ptr.To(ptr.Deref(wanted.ExpirationSeconds, 3600)),
		BoundObjectRef: &authentication.BoundObjectReference{
			Kind: "Pod", APIVersion: "v1", Name: pod.Name, UID: pod.UID,
		},
	}}
	if wanted.Audience != "" {
		request.Spec.Audiences = []string{wanted.Audience}
	}
	account := pod.Spec.ServiceAccountName
	answer, err := o.client.CoreV1().ServiceAccounts(pod.Namespace).
		CreateToken(context.Background(), account, request, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("token of %s: %w", account, err)
	}
	made := token{[]byte(answer.Status.Token), renewal(time.Now(), answer.Status.ExpirationTimestamp.Time)}
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.tokens[key] = made
	return made.text, nil
}

// Forget drops the tokens of a pod that is gone.
func (o *Objects) Forget(pod types.UID) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	for key := range o.tokens {
		if key.pod == pod {
			delete(o.tokens, key)
		}
	}
}

// renewal is when a token gets a successor: after four fifths of its time.
func renewal(now, end time.Time) time.Time {
	return now.Add(end.Sub(now) * 4 / 5)
}
