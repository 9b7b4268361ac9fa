//! Requests to try, and what each of them shows.

use crate::paint::Paint;

/// The tour through the built-in manifests.
pub(super) fn text(port: u16, file: &str, paint: Paint) -> String {
    let mut text = format!(
        "\n{}\n",
        paint.strong(format!(
            "A gateway is listening on http://127.0.0.1:{port}. Try:"
        ))
    );

    for (shows, command) in steps(port) {
        text += &format!(
            "\n  {}\n    {}\n",
            paint.faint(format!("# {shows}")),
            command
        );
    }
    text += &format!(
        "\nIts manifests, until this ends, are in\n  {}\nEdit them: changes are served at once. See \
         where a request goes, and why:\n  {}\nCtrl-C ends it. 'gateway quickstart --print' prints \
         manifests to start your own from.\n\n",
        paint.strong(file),
        paint.strong(format!(
            "gateway explain {file} http://shop.test:{port}/ -H 'x-tester: yes'"
        )),
    );
    text
}

fn steps(port: u16) -> [(&'static str, String); 6] {
    let url = format!("http://127.0.0.1:{port}");

    [
        (
            "routing by host: hello-v1 answers, and shows the request it got",
            format!("curl -H 'Host: shop.test' {url}/"),
        ),
        (
            "header match: with this header hello-v2 answers",
            format!("curl -H 'Host: shop.test' -H 'x-tester: yes' {url}/"),
        ),
        (
            "rewrite: the backend gets /v1/items, another host and one header more",
            format!("curl -H 'Host: shop.test' {url}/api/items"),
        ),
        (
            "redirect: see the Location",
            format!("curl -i -H 'Host: old.test' {url}/about"),
        ),
        (
            "weighted split: about one of five answers is of hello-v2",
            format!(
                "for i in 1 2 3 4 5 6 7 8 9 10; do curl -s -H 'Host: canary.test' {url}/ | head -1; done"
            ),
        ),
        (
            "no route for this host: 404",
            format!("curl -i -H 'Host: unknown.test' {url}/"),
        ),
    ]
}
