use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use k8s_openapi::jiff::Timestamp;
use proptest::prelude::*;
use tempfile::TempDir;

use super::{SnapshotError, SnapshotKeeper, format, read, recover, set_aside, write};
use crate::api::GatewayClass;
use crate::testing::Manifests;
use crate::world::{Changes, ForEachKind, Kind, World};

/// Whether both have equal objects.
fn equal(one: &World, other: &World) -> bool {
    struct Compare<'a>(&'a World, &'a World, bool);

    impl ForEachKind for Compare<'_> {
        fn of_kind<T: Kind>(&mut self) {
            let one = self.0.objects::<T>().iter().map(|object| &**object);
            let other = self.1.objects::<T>().iter().map(|object| &**object);
            self.2 &= one.eq(other);
        }
    }

    let mut compare = Compare(one, other, true);
    World::for_each_kind(&mut compare);
    compare.2
}

/// As an API server gives objects out.
fn stored<T: Kind>(name: &str, uid: u32) -> T {
    let mut object: T = serde_json::from_value(serde_json::json!({
        "apiVersion": T::api_version(&()),
        "kind": T::kind(&()),
        "metadata": {},
        // What some kind asks for; others do not look at it.
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["192.0.2.1"], "conditions": {"ready": true}}],
        "data": {},
        "spec": {
            "controllerName": "example.com/controller",
            "gatewayClassName": "ours",
            "listeners": [],
            "parentRef": {"name": "web"},
            "rules": [],
            "from": [], "to": [],
            "targetRefs": [],
            "validation": {"hostname": "a.test"},
            "hostnames": ["a.test"],
            "port": {"number": 80},
            "externalHostname": {"hostname": "a.test"},
            "type": "ExternalHostname",
        },
    }))
    .unwrap_or_else(|error| panic!("{}: {error}", T::kind(&())));
    *object.meta_mut() = ObjectMeta {
        name: Some(name.to_owned()),
        namespace: T::NAMESPACED.then(|| "shop".to_owned()),
        uid: Some(format!("{uid:08x}-0000-4000-8000-000000000000")),
        generation: Some(i64::from(uid)),
        resource_version: Some(uid.to_string()),
        creation_timestamp: Timestamp::from_second(i64::from(uid)).ok().map(Time),
        labels: Some(BTreeMap::from([("app".to_owned(), name.to_owned())])),
        annotations: Some(BTreeMap::from([("a".to_owned(), "ä\n\"".to_owned())])),
        ..ObjectMeta::default()
    };
    object
}

/// One object of every kind there is.
fn one_of_each() -> World {
    struct Fill(World);

    impl ForEachKind for Fill {
        fn of_kind<T: Kind>(&mut self) {
            self.0.insert(stored::<T>("one", 7));
        }
    }

    let mut fill = Fill(World::default());
    World::for_each_kind(&mut fill);
    fill.0.with(secret())
}

fn secret() -> Secret {
    let bytes = ByteString(vec![0, 159, 146, 150, 255]);
    Secret {
        data: Some(BTreeMap::from([("tls.key".to_owned(), bytes)])),
        ..stored("secret", 8)
    }
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("world")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }
}

#[test]
fn every_kind_comes_back_as_it_was() {
    let (folder, world) = (Folder::new(), one_of_each());

    write(&folder.file(), &world).unwrap();
    let again = read(&folder.file()).unwrap();

    assert!(equal(&again, &world));
    assert_eq!(again.changes(&World::default()).added.len(), 18);
    assert_eq!(
        again.secrets.get("shop", "secret").map(|s| s.data.clone()),
        Some(secret().data)
    );
}

#[test]
fn what_resolves_comes_back_and_resolves_the_same() {
    let manifests = Manifests::new()
        .gateway("edge/web", |gateway| gateway.http(80).from_all())
        .service("shop/cart", 80, &["192.0.2.1"])
        .http_route("shop/cart", |route| {
            route.parent("edge/web").backend("cart", 80)
        });
    let world = manifests.world().clone();
    let settings = crate::resolve::Settings::folder();

    let again = format::decode(&format::encode(&world).unwrap()).unwrap();

    assert!(equal(&again, &world));
    let (before, after) = (
        crate::resolve::resolve(&world, &settings),
        crate::resolve::resolve(&again, &settings),
    );
    assert_eq!(before.configuration, after.configuration);
}

#[test]
fn file_is_for_its_owner_alone_and_nothing_is_left_beside_it() {
    let folder = Folder::new();
    fs::write(
        folder.0.path().join("world.new"),
        "of a process that was killed",
    )
    .unwrap();

    for _ in 0..2 {
        write(&folder.file(), &one_of_each()).unwrap();
    }

    let mode = fs::metadata(folder.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(folder.names(), ["world"]);
}

#[test]
fn failed_writing_leaves_what_was_there() {
    let folder = Folder::new();
    write(&folder.file(), &one_of_each()).unwrap();
    // A folder cannot be removed as a file.
    fs::create_dir(folder.0.path().join("world.new")).unwrap();

    assert!(write(&folder.file(), &World::default()).is_err());

    assert!(equal(&read(&folder.file()).unwrap(), &one_of_each()));
}

#[test]
fn what_is_wrong_is_told_apart() {
    let folder = Folder::new();
    let whole = format::encode(&one_of_each()).unwrap();
    let told = |bytes: &[u8]| {
        fs::write(folder.file(), bytes).unwrap();
        read(&folder.file()).unwrap_err()
    };
    let mut of_tomorrow = whole.clone();
    of_tomorrow[8] = 2;

    assert!(matches!(read(&folder.file()), Err(SnapshotError::Absent)));
    assert!(matches!(
        read(folder.0.path()),
        Err(SnapshotError::Unreadable(_))
    ));
    assert!(matches!(told(b""), SnapshotError::NoSnapshot));
    assert!(matches!(told(b"apiVersion: v1"), SnapshotError::NoSnapshot));
    assert!(matches!(
        told(&of_tomorrow),
        SnapshotError::Foreign { version: 2 }
    ));
    assert!(matches!(
        told(&whole[..whole.len() - 1]),
        SnapshotError::Damaged
    ));
    assert!(matches!(
        told(&[&whole[..], b"\n"].concat()),
        SnapshotError::Damaged
    ));
}

#[test]
fn message_about_a_secret_has_nothing_of_it() {
    let name = b"/Secret";
    let json = br#"{"metadata": {}, "data": {"key": "hunter2!"}}"#;
    let lengths = [name.len(), 1, json.len()].map(|length| (length as u32).to_le_bytes());
    let body = [&lengths[0][..], name, &lengths[1], &lengths[2], json].concat();

    let error = format::decode(&format::with_header(&body)).unwrap_err();

    assert!(matches!(&error, SnapshotError::Object { kind } if kind == "/Secret"));
    assert!(
        !format!("{error:?} {error}").contains("hunter2"),
        "{error:?}"
    );
}

#[test]
fn what_cannot_be_used_is_set_aside_and_the_rest_is_not() {
    let folder = Folder::new();
    assert!(recover(&folder.file()).is_none());
    fs::write(folder.file(), "nonsense").unwrap();

    assert!(recover(&folder.file()).is_none());
    assert_eq!(folder.names(), ["world.damaged"]);
    write(&folder.file(), &one_of_each()).unwrap();
    assert!(recover(&folder.file()).is_some());
    assert_eq!(folder.names(), ["world", "world.damaged"]);

    assert!(set_aside(&folder.0.path().join("nothing")).is_err());
}

fn class(number: u32) -> World {
    World::default().with(stored::<GatewayClass>("ours", number))
}

fn changes(folder: &Folder, than: &World) -> Changes {
    read(&folder.file()).unwrap().changes(than)
}

#[tokio::test]
async fn keeper_writes_the_newest_at_the_end() {
    let folder = Folder::new();
    let keeper = SnapshotKeeper::start(folder.file(), Duration::from_secs(3600));

    for number in 1..50 {
        keeper.keep(class(number));
        tokio::task::yield_now().await;
    }
    keeper.finish().await;

    assert!(equal(&read(&folder.file()).unwrap(), &class(49)));
    assert_eq!(changes(&folder, &World::default()).added.len(), 1);
}

#[tokio::test]
async fn keeper_that_was_given_nothing_writes_nothing() {
    let folder = Folder::new();

    SnapshotKeeper::start(folder.file(), Duration::ZERO)
        .finish()
        .await;

    assert!(folder.names().is_empty());
}

#[tokio::test(start_paused = true)]
async fn keeper_writes_again_after_the_pause_and_not_before() {
    let folder = Folder::new();
    let pause = Duration::from_secs(10);
    let keeper = SnapshotKeeper::start(folder.file(), pause);
    let until_written = async |number| {
        while !read(&folder.file()).is_ok_and(|world| equal(&world, &class(number))) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };

    keeper.keep(class(1));
    until_written(1).await;
    let start = tokio::time::Instant::now();
    keeper.keep(class(2));
    keeper.keep(class(3));
    until_written(3).await;

    let took = start.elapsed();
    assert!(
        took > pause / 2 && took <= pause + Duration::from_secs(1),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn keeper_tries_again_what_it_could_not_write() {
    let folder = Folder::new();
    let file = folder.0.path().join("state").join("world");
    let keeper = SnapshotKeeper::start(&file, Duration::from_secs(10));

    keeper.keep(class(1));
    tokio::time::sleep(Duration::from_secs(60)).await;
    fs::create_dir(folder.0.path().join("state")).unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;

    assert!(equal(&read(&file).unwrap(), &class(1)));
}

fn worlds() -> impl Strategy<Value = World> {
    let meta = (any::<u32>(), "[a-z]{1,8}", "\\PC{0,20}");
    prop::collection::vec((meta, prop::collection::vec(any::<u8>(), 0..40)), 0..12).prop_map(
        |all| {
            all.into_iter()
                .fold(World::default(), |world, ((uid, name, text), data)| {
                    let mut class = stored::<GatewayClass>(&name, uid);
                    class.spec.description = Some(text.clone());
                    let mut secret = stored::<Secret>(&name, uid);
                    secret.data = Some(BTreeMap::from([(text, ByteString(data))]));
                    world.with(class).with(secret)
                })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every world is read as it was written.
    #[test]
    fn writing_and_reading_is_the_identity(world in worlds()) {
        let again = format::decode(&format::encode(&world).unwrap()).unwrap();

        prop_assert!(equal(&again, &world));
    }

    /// One bit that is not as it was, and nothing is believed.
    #[test]
    fn any_corruption_is_an_error(world in worlds(), at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut bytes = format::encode(&world).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;

        prop_assert!(format::decode(&bytes).is_err());
    }

    /// A part of what was written is nothing.
    #[test]
    fn any_loss_is_an_error(world in worlds(), at in any::<prop::sample::Index>()) {
        let bytes = format::encode(&world).unwrap();
        let at = at.index(bytes.len());

        prop_assert!(format::decode(&bytes[..at]).is_err());
    }

    /// Whatever stands in a file, behind a header that is right or not, is no reason
    /// to panic.
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(prop_oneof![Just(0u8), Just(1), any::<u8>()], 0..200)) {
        let _ = format::decode(&bytes);
        let _ = format::decode(&format::with_header(&bytes));
    }
}
