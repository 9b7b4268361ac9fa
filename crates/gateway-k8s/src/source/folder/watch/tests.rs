use std::fs;
use std::path::Path;
use std::time::Duration;

use tempfile::tempdir;
use tokio::time::timeout;

use super::FolderWatcher;

/// Far more than any of this takes.
const PATIENCE: Duration = Duration::from_secs(20);

async fn tells(watcher: &mut FolderWatcher) {
    timeout(PATIENCE, watcher.changed())
        .await
        .expect("told of the change");
}

/// Nothing is told for a while that is longer than any burst, after what the
/// change before may still cause.
async fn is_quiet(watcher: &mut FolderWatcher) {
    while timeout(Duration::from_millis(300), watcher.changed())
        .await
        .is_ok()
    {}
}

fn write(path: impl AsRef<Path>) {
    fs::write(path, "a: 1\n").expect("can be written");
}

#[tokio::test]
async fn new_files_are_told() {
    let folder = tempdir().expect("a folder");
    let mut watcher = FolderWatcher::new([folder.path()]);

    write(folder.path().join("a.yaml"));

    tells(&mut watcher).await;
}

#[tokio::test]
async fn files_in_new_folders_are_told() {
    let folder = tempdir().expect("a folder");
    let mut watcher = FolderWatcher::new([folder.path()]);

    fs::create_dir(folder.path().join("deep")).expect("can be made");
    tells(&mut watcher).await;
    is_quiet(&mut watcher).await;
    write(folder.path().join("deep/a.yaml"));

    tells(&mut watcher).await;
}

#[tokio::test]
async fn deleted_files_are_told() {
    let folder = tempdir().expect("a folder");
    write(folder.path().join("a.yaml"));
    let mut watcher = FolderWatcher::new([folder.path()]);

    fs::remove_file(folder.path().join("a.yaml")).expect("is there");

    tells(&mut watcher).await;
}

#[tokio::test]
async fn a_file_replaced_as_editors_do_is_told_each_time() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("a.yaml");
    write(&file);
    let mut watcher = FolderWatcher::new([&file]);

    for _ in 0..2 {
        write(folder.path().join(".a.yaml.swp"));
        fs::rename(folder.path().join(".a.yaml.swp"), &file).expect("can be renamed");
        tells(&mut watcher).await;
        is_quiet(&mut watcher).await;
    }
}

#[tokio::test]
async fn a_missing_file_is_told_when_it_appears() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("not/yet/a.yaml");
    let mut watcher = FolderWatcher::new([&file]);

    fs::create_dir_all(folder.path().join("not/yet")).expect("can be made");
    tells(&mut watcher).await;
    is_quiet(&mut watcher).await;
    write(&file);

    tells(&mut watcher).await;
}

#[tokio::test]
async fn a_folder_made_again_is_watched_again() {
    let above = tempdir().expect("a folder");
    let folder = above.path().join("manifests");
    fs::create_dir(&folder).expect("can be made");
    let mut watcher = FolderWatcher::new([&folder]);

    fs::remove_dir(&folder).expect("is there");
    fs::create_dir(&folder).expect("can be made");
    tells(&mut watcher).await;
    is_quiet(&mut watcher).await;
    write(folder.join("a.yaml"));

    tells(&mut watcher).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_mounted_config_map_is_told_when_its_link_is_swapped() {
    use std::os::unix::fs::symlink;

    let mount = tempdir().expect("a folder");
    let at = |name: &str| mount.path().join(name);
    for version in ["..1", "..2"] {
        fs::create_dir(at(version)).expect("can be made");
        write(at(version).join("a.yaml"));
    }
    symlink("..1", at("..data")).expect("can be linked");
    symlink("..data/a.yaml", at("a.yaml")).expect("can be linked");
    let mut watcher = FolderWatcher::new([mount.path()]);

    symlink("..2", at("..data_tmp")).expect("can be linked");
    fs::rename(at("..data_tmp"), at("..data")).expect("can be renamed");

    tells(&mut watcher).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_linked_from_outside_is_told() {
    let (folder, outside) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    let real = outside.path().join("a.yaml");
    write(&real);
    std::os::unix::fs::symlink(&real, folder.path().join("a.yaml")).expect("can be linked");
    let mut watcher = FolderWatcher::new([folder.path()]);
    watcher.sweep_every = Duration::from_millis(20);

    fs::write(&real, "a: 22\n").expect("can be written");

    tells(&mut watcher).await;
}

#[tokio::test]
async fn polling_tells_of_changes() {
    let folder = tempdir().expect("a folder");
    write(folder.path().join("a.yaml"));
    let mut watcher = FolderWatcher::polling([folder.path()], Duration::from_millis(20));

    fs::write(folder.path().join("a.yaml"), "a: 22\n").expect("can be written");
    tells(&mut watcher).await;
    write(folder.path().join("b.yaml"));
    tells(&mut watcher).await;

    is_quiet(&mut watcher).await;
}

#[tokio::test]
async fn reading_and_strangers_are_no_changes() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("a.yaml");
    write(&file);
    let mut watcher = FolderWatcher::new([&file]);

    fs::read_to_string(&file).expect("is there");
    write(folder.path().join("other.yaml"));

    let told = timeout(Duration::from_millis(300), watcher.changed()).await;
    assert!(told.is_err(), "nothing has changed");
}

#[tokio::test]
async fn a_change_outlives_whoever_did_not_wait_for_it() {
    let folder = tempdir().expect("a folder");
    let mut watcher = FolderWatcher::new([folder.path()]);
    write(folder.path().join("a.yaml"));

    // Long enough to notice, too short to be quiet.
    let told = timeout(Duration::from_millis(30), watcher.changed()).await;
    assert!(told.is_err(), "waits for quiet");

    tells(&mut watcher).await;
}
