//! The answer to a watch.

use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::ApiServer;
use super::select::Selection;
use super::store::Event;

/// One watch, until it ends.
#[derive(Debug)]
pub(super) struct Watch {
    server: ApiServer,
    selection: Selection,
    /// What of the history was looked at.
    seen: usize,
    /// What was done to earlier watches is not done to this one.
    began: usize,
    news: watch::Receiver<u64>,
    ends: Instant,
    /// When to tell how far it is; never, if that was not asked for.
    bookmark: Option<Instant>,
    is_over: bool,
}

/// What the history says next.
enum Next {
    Line(String),
    Last(String),
    End,
    Nothing,
}

impl Watch {
    pub(super) fn new(
        server: &ApiServer,
        selection: Selection,
        from: u64,
        timeout: Option<u64>,
        bookmarks: bool,
    ) -> Self {
        let news = server.news.subscribe();
        let store = server.store();
        let seen = store.history.partition_point(|one| one.revision <= from);
        let began = store.history.len();
        let timeout = Duration::from_secs(timeout.unwrap_or(3_600));
        drop(store);
        Self {
            server: server.clone(),
            selection,
            seen,
            began,
            news,
            ends: Instant::now() + timeout,
            bookmark: bookmarks.then(|| Instant::now() + BOOKMARKS),
            is_over: false,
        }
    }

    /// Its lines. Some are cut.
    pub(super) fn lines(self) -> impl Stream<Item = Bytes> + Send {
        futures_util::stream::unfold(self, |mut watch| async move {
            let line = watch.line().await?;
            Some((Bytes::from(line), watch))
        })
    }

    async fn line(&mut self) -> Option<String> {
        while !self.is_over {
            self.news.borrow_and_update();
            match self.next() {
                Next::Line(line) => return Some(line),
                Next::Last(line) => {
                    self.is_over = true;
                    return Some(line);
                }
                Next::End => return None,
                Next::Nothing => {}
            }
            let bookmark = self.bookmark.unwrap_or(self.ends);
            tokio::select! {
                _ = self.news.changed() => {}
                () = sleep_until(self.ends.min(bookmark)) => {
                    if Instant::now() >= self.ends {
                        return None;
                    }
                    self.bookmark = Some(Instant::now() + BOOKMARKS);
                    return Some(self.bookmark());
                }
            }
        }
        None
    }

    fn next(&mut self) -> Next {
        let store = self.server.store();
        while let Some(happening) = store.history.get(self.seen) {
            self.seen += 1;
            let is_other = |resource: &String| *resource != self.selection.resource;
            let is_object = matches!(happening.event, Event::Object { .. });
            if happening.resource.as_ref().is_some_and(is_other)
                || !is_object && self.seen <= self.began
            {
                continue;
            }
            match &happening.event {
                Event::Line(line) => return Next::Line(format!("{line}\n")),
                Event::End => return Next::End,
                Event::Cut => return Next::Last(r#"{"type":"MODIFIED","object":{"#.to_owned()),
                Event::Gone => return Next::Last(gone()),
                Event::Object { before, now } => {
                    let revision = happening.revision;
                    if let Some(event) = self.event(before.as_ref(), now.as_ref(), revision) {
                        return Next::Line(format!("{event}\n"));
                    }
                }
            }
        }
        Next::Nothing
    }

    /// An object that comes to be selected is added, and one that does no longer is
    /// deleted.
    fn event(&self, before: Option<&Value>, now: Option<&Value>, revision: u64) -> Option<Value> {
        let selected = |object: &&Value| self.selection.selects(object);
        let (kind, object) = match (before.filter(selected), now.filter(selected)) {
            (None, None) => return None,
            (None, Some(now)) => ("ADDED", now),
            (Some(_), Some(now)) => ("MODIFIED", now),
            (Some(before), None) => ("DELETED", before),
        };
        let mut object = self.selection.shown(object);
        object["metadata"]["resourceVersion"] = json!(revision.to_string());
        Some(json!({ "type": kind, "object": object }))
    }

    fn bookmark(&self) -> String {
        let revision = self.server.store().revision.to_string();
        let mut object = self.selection.type_meta();
        object["metadata"] = json!({ "resourceVersion": revision, "creationTimestamp": null });
        format!("{}\n", json!({ "type": "BOOKMARK", "object": object }))
    }
}

/// What a watch says that began too long ago.
pub(super) fn gone() -> String {
    let status = json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "too old resource version",
        "reason": "Expired",
        "code": 410,
    });
    format!("{}\n", json!({ "type": "ERROR", "object": status }))
}

const BOOKMARKS: Duration = Duration::from_secs(60);
