//! A server as a tower service.

use std::future::{Future, pending};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body_util::BodyExt as _;
use kube::client::Body;
use tower::Service;

use super::ApiServer;
use super::answer::{answer, faulty};
use super::body::AnswerBody;
use super::fault::{Fault, spring};
use super::log::Record;
use super::request::Asked;

type Answered = Result<Response<AnswerBody>, tower::BoxError>;

impl Service<Request<Body>> for ApiServer {
    type Response = Response<AnswerBody>;
    type Error = tower::BoxError;
    type Future = Pin<Box<dyn Future<Output = Answered> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), tower::BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let server = self.clone();
        Box::pin(async move { server.serve(request).await })
    }
}

impl ApiServer {
    async fn serve(self, request: Request<Body>) -> Answered {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let asked = Asked::of(&parts);
        let record = Record::of(&asked);
        let (fault, index) = {
            let mut store = self.store();
            let fault = spring(&mut store.traps, &record);
            if fault == Some(Fault::Refuse) {
                return Err(io::Error::from(io::ErrorKind::ConnectionRefused).into());
            }
            store.log.push(record.clone());
            (fault, store.log.len() - 1)
        };
        let answer = match fault {
            None => Some(answer(&self, &asked, &body)),
            Some(fault) => faulty(&self, &asked, &fault),
        };
        let Some(answer) = answer else {
            return pending().await;
        };
        // The log may have been cleared since.
        if let Some(logged) = self
            .store()
            .log
            .get_mut(index)
            .filter(|one| one.at == record.at)
        {
            logged.status = Some(answer.status().as_u16());
        }
        Ok(answer)
    }
}
