//! What one edit among ten thousand routes costs, step by step: reading the files,
//! resolving the objects, and serving the configuration.
//!
//! Without `--bench`, as `cargo test` runs it, there are few routes and one edit.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{env, fmt, fs};

use gateway_core::Gateway;
use gateway_core::model::Configuration;
use gateway_k8s::resolve::{Resolver, Settings};
use gateway_k8s::source::folder::Folder;
use tempfile::tempdir;
use tokio::time::Instant;

fn main() {
    let is_measured = env::args().any(|argument| argument == "--bench");
    let (routes, edits) = if is_measured { (10_000, 30) } else { (50, 2) };

    println!("{routes} routes, {edits} edits: least and median time of each step in ms\n");
    println!("what is edited                   reading        resolving      updating       all");
    for (name, layout, edit) in CASES {
        let dir = tempdir().expect("a folder can be made");
        let mut site = Site::new(routes, *layout, dir.path());
        let taken = (0..edits).map(|number| site.measure(*edit, number));
        report(name, &taken.collect::<Vec<_>>());
    }
}

type Case = (&'static str, Layout, fn(&mut Document, usize));

const CASES: &[Case] = &[
    ("a route, one file", Layout::OneFile, Document::repath),
    (
        "a route, more lines, one file",
        Layout::OneFile,
        Document::add_line,
    ),
    (
        "a route, a file for each",
        Layout::FileEach,
        Document::repath,
    ),
    (
        "endpoints, one file",
        Layout::OneFile,
        Document::move_endpoint,
    ),
];

#[derive(Clone, Copy, Eq, PartialEq)]
enum Layout {
    OneFile,
    FileEach,
}

/// Manifests in a folder, and what serves them.
struct Site<'a> {
    dir: &'a Path,
    layout: Layout,
    documents: Vec<Document>,
    folder: Folder,
    resolver: Resolver,
    gateway: Gateway,
}

/// A route with its Service and its endpoint.
struct Document {
    number: usize,
    path: String,
    endpoint: String,
    extra_lines: usize,
}

/// How long each step took.
#[derive(Clone, Copy)]
struct Taken([Duration; 3]);

impl<'a> Site<'a> {
    fn new(routes: usize, layout: Layout, dir: &'a Path) -> Self {
        let mut site = Self {
            dir,
            layout,
            documents: (0..routes).map(Document::new).collect(),
            folder: Folder::new([dir]),
            resolver: Resolver::new(Settings::folder()),
            gateway: Gateway::builder().workers(1).build(),
        };
        fs::write(dir.join("gateway.yaml"), GATEWAY).expect("can be written");
        for number in 0..if layout == Layout::OneFile { 1 } else { routes } {
            let path = site.write(number);
            // As files are that were written long ago: one that is younger than the
            // coarsest clock may change unseen, and is read each time.
            let file = fs::File::options().append(true).open(path);
            let file = file.expect("was written");
            file.set_modified(SystemTime::UNIX_EPOCH)
                .expect("has a time");
        }
        site.load();
        site
    }

    /// Edits a document and takes the times until it is served.
    fn measure(&mut self, edit: fn(&mut Document, usize), number: usize) -> Taken {
        let edited = number * 7919 % self.documents.len();
        edit(&mut self.documents[edited], number);
        self.write(edited);
        self.load()
    }

    /// Writes the file that a document is in.
    fn write(&self, edited: usize) -> PathBuf {
        let (name, documents) = match self.layout {
            Layout::OneFile => ("routes.yaml".to_owned(), &self.documents[..]),
            Layout::FileEach => {
                let name = format!("route-{edited}.yaml");
                (name, &self.documents[edited..=edited])
            }
        };
        let text: String = documents.iter().map(Document::to_string).collect();
        let path = self.dir.join(name);
        fs::write(&path, text).expect("can be written");
        path
    }

    fn load(&mut self) -> Taken {
        let start = Instant::now();
        let reading = self.folder.read();
        let read = Instant::now();
        let resolved = self.resolver.resolve(&reading.world);
        let understood = Instant::now();
        self.gateway
            .update(Configuration::clone(&resolved.configuration));
        let served = Instant::now();
        assert_eq!(reading.problems(), [], "the manifests are good");
        assert_eq!(resolved.configuration.gateways().len(), 1);

        Taken([read - start, understood - read, served - understood])
    }
}

impl Document {
    fn new(number: usize) -> Self {
        Self {
            number,
            path: format!("/team/{number}"),
            endpoint: "10.0.0.1".to_owned(),
            extra_lines: 0,
        }
    }

    fn repath(&mut self, edit: usize) {
        self.path = format!("/edited/{edit}");
    }

    fn add_line(&mut self, edit: usize) {
        self.repath(edit);
        self.extra_lines += 1;
    }

    fn move_endpoint(&mut self, edit: usize) {
        self.endpoint = format!("10.1.{}.{}", edit / 250, edit % 250 + 1);
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            number,
            path,
            endpoint,
            ..
        } = self;
        let extra = "# more\n".repeat(self.extra_lines);
        write!(
            f,
            "---
{extra}apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: route-{number}, namespace: shop}}
spec:
  parentRefs: [{{name: web}}]
  hostnames: [h{number}.example.com]
  rules:
  - matches: [{{path: {{type: PathPrefix, value: {path}}}}}]
    backendRefs: [{{name: service-{number}, port: 80}}]
---
apiVersion: v1
kind: Service
metadata: {{name: service-{number}, namespace: shop}}
spec: {{ports: [{{port: 80}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: service-{number}-1
  namespace: shop
  labels: {{kubernetes.io/service-name: service-{number}}}
addressType: IPv4
ports: [{{port: 3000}}]
endpoints: [{{addresses: [{endpoint}]}}]
"
        )
    }
}

fn report(name: &str, taken: &[Taken]) {
    let steps: [fn(&Taken) -> Duration; 4] = [
        |taken| taken.0[0],
        |taken| taken.0[1],
        |taken| taken.0[2],
        |taken| taken.0.iter().sum(),
    ];
    print!("{name:<32}");
    for step in steps {
        let mut times: Vec<_> = taken.iter().map(step).collect();
        times.sort_unstable();
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        print!(
            " {:>6.2} {:>6.2} ",
            ms(times[0]),
            ms(times[times.len() / 2])
        );
    }
    println!();
}

const GATEWAY: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: ours}
spec: {controllerName: gateway-rs.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec:
  gatewayClassName: ours
  addresses: [{value: 127.0.0.1}]
  listeners: [{name: web, port: 58080, protocol: HTTP}]
";
