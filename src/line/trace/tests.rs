//! Logs with stack traces as the languages and their usual libraries write them. A line `==` stands where an event ends
//! and the next one begins.

use super::*;
use crate::line::LineSpec;
use crate::line::join::{Joiner, Joins, Multiline};
use crate::line::split::Line as Cut;

#[track_caller]
fn check(preset: Preset, log: &str) {
    let multiline =
        Multiline { by: Joins::Preset(preset), timeout: Multiline::TIMEOUT, lines_max: Multiline::LINES_MAX };
    let spec = LineSpec { multiline: Some(multiline), ..LineSpec::default() };
    let mut joiner = Joiner::new(&spec).unwrap();
    let mut groups = Vec::new();
    let mut done = |text: &[u8]| groups.push(String::from_utf8(text.to_vec()).unwrap());
    for line in log.lines().filter(|line| *line != "==") {
        joiner.add(Cut { bytes: line.as_bytes(), truncated: false }, |joined| done(joined.text));
    }
    joiner.finish(|joined| done(joined.text));
    assert_eq!(groups.join("\n==\n"), log.trim_end_matches('\n'), "{}", preset.name());
}

#[test]
fn java_as_logback_and_the_machine_itself_write_it() {
    check(
        Preset::Java,
        r#"2026-11-25 10:00:00.123 INFO  [main] c.e.shop.Shop - ready
==
2026-11-25 10:00:01.456 ERROR [http-1] c.e.shop.Payment - charge failed
com.example.shop.PaymentException: card declined
	at com.example.shop.Payment.charge(Payment.java:42)
	at com.example.shop.Shop$Order.lambda$pay$0(Shop.java:17) ~[shop.jar!/:1.2]
	at java.base/jdk.internal.reflect.NativeMethodAccessorImpl.invoke0(Native Method)
	Suppressed: java.io.IOException: close failed
		at com.example.shop.Payment.close(Payment.java:60)
		... 1 more
Caused by: java.net.SocketTimeoutException: Read timed out
	at java.base/sun.nio.ch.NioSocketImpl.timedRead(NioSocketImpl.java:288)
	... 12 common frames omitted
==
2026-11-25 10:00:02.000 INFO  [main] c.e.shop.Shop - com.example is fine
==
Exception in thread "main" java.lang.NullPointerException
	at com.example.Main.main(Main.java:5)
==
java.lang.OutOfMemoryError: Java heap space
	at java.base/java.util.Arrays.copyOf(Arrays.java:3512)
==
java.lang.OutOfMemoryError: Java heap space
	at java.base/java.util.Arrays.copyOf(Arrays.java:3512)
==
2026-11-25 10:00:03.000 INFO  [main] a line of its own
==
java.lang.IllegalStateException: thrown after what has nothing to do with it
	at com.example.Main.run(Main.java:9)
"#,
    );
}

#[test]
fn python_as_logging_and_the_interpreter_write_it() {
    check(
        Preset::Python,
        r#"2026-11-25 10:00:00,123 INFO app: ready
==
2026-11-25 10:00:01,456 ERROR app: could not save the order
Traceback (most recent call last):
  File "/srv/app/orders.py", line 12, in save
    db.insert(order)
    ~~~~~~~~~^^^^^^^
  File "/srv/app/db.py", line 80, in insert
    raise TimeoutError("no answer")
TimeoutError: no answer

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/app/orders.py", line 15, in save
    self.retry(order)
app.errors.OrderError: order 17 is lost
==
2026-11-25 10:00:02,000 INFO app: next
==
Traceback (most recent call last):
  File "/srv/app/main.py", line 3, in <module>
    run()
KeyboardInterrupt
==
2026-11-25 10:00:03,000 INFO app: next
==
  File "/srv/app/bad.py", line 1
    def f(
         ^
SyntaxError: '(' was never closed
==
2026-11-25 10:00:04,000 WARNING app: several at once
  + Exception Group Traceback (most recent call last):
  |   File "/srv/app/main.py", line 9, in <module>
  |     raise ExceptionGroup("two", errors)
  | ExceptionGroup: two (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | ValueError: one
    +---------------- 2 ----------------
    | ValueError: other
    +------------------------------------
==
2026-11-25 10:00:05,000 INFO app: done
"#,
    );
}

#[test]
fn go_panics_and_dumps() {
    check(
        Preset::Go,
        r#"2026/11/25 10:00:00 listening on :8080
==
panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x48a0b1]

goroutine 1 [running]:
main.(*Server).handle(0xc000010000, {0x4b2f40?, 0xc000012345})
	/srv/app/server.go:42 +0x1d
main.main()
	/srv/app/main.go:9 +0x25

goroutine 7 [chan receive, 2 minutes]:
github.com/example/app/worker.Run[...](0xc000020000)
	/srv/app/worker/worker.go:17 +0x88
created by main.main in goroutine 1
	/srv/app/main.go:7 +0x3c
exit status 2
==
2026/11/25 10:00:01 listening on :8080
==
2026/11/25 10:00:02 http: panic serving 10.0.0.1:5000: boom
goroutine 34 [running]:
net/http.(*conn).serve.func1()
	/usr/local/go/src/net/http/server.go:1868 +0xb9
panic({0x6b1c40?, 0x7a2f30?})
	/usr/local/go/src/runtime/panic.go:920 +0x270
==
2026/11/25 10:00:03 fine
==
fatal error: all goroutines are asleep - deadlock!

goroutine 1 [select (no cases)]:
main.main()
	/srv/app/main.go:4 +0x17
"#,
    );
}

#[test]
fn rust_panics_and_errors() {
    check(
        Preset::Rust,
        r#"2026-11-25T10:00:00Z  INFO app: ready
==
thread 'main' panicked at src/main.rs:4:5:
assertion `left == right` failed: sums differ
  left: 3
 right: 4
stack backtrace:
   0: rust_begin_unwind
             at /rustc/9fc6b431/library/std/src/panicking.rs:645:5
   1: app::main
             at ./src/main.rs:4:5
note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.
==
2026-11-25T10:00:01Z  INFO app: again
==
thread 'worker' (4711) panicked at src/worker.rs:9:17:
called `Result::unwrap()` on an `Err` value: NotFound
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
==
thread 'old' panicked at 'index out of bounds: the len is 3 but the index is 99', src/main.rs:4:5
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
==
Error: failed to read the configuration

Caused by:
    0: failed to open `app.toml`
    1: No such file or directory (os error 2)
==
2026-11-25T10:00:02Z  INFO app: last
"#,
    );
}

#[test]
fn ruby_as_the_interpreter_and_its_logger_write_it() {
    check(
        Preset::Ruby,
        r#"I, [2026-11-25T10:00:00.1 #7]  INFO -- : ready
==
app.rb:3:in `charge': undefined method `amount' for nil:NilClass (NoMethodError)

    order.amount
         ^^^^^^^
	from app.rb:7:in `block in <main>'
	from app.rb:7:in `each'
	from app.rb:7:in `<main>'
==
I, [2026-11-25T10:00:01.1 #7]  INFO -- : ready
==
E, [2026-11-25T10:00:02.1 #7] ERROR -- : bad card (Payment::Declined)
/srv/app/payment.rb:12:in 'Payment#charge'
/srv/app/shop.rb:40:in 'block in Shop#pay'
==
I, [2026-11-25T10:00:03.1 #7]  INFO -- : next
==
ActiveRecord::RecordNotFound (Couldn't find Order with 'id'=17):
  
app/models/order.rb:12:in `find_order'
app/controllers/orders_controller.rb:5:in `show'
==
I, [2026-11-25T10:00:04.1 #7]  INFO -- : last
"#,
    );
}

#[test]
fn node_errors_that_are_logged_and_that_nobody_caught() {
    check(
        Preset::Node,
        r#"server listening on 8080
==
TypeError: Cannot read properties of undefined (reading 'id')
    at getUser (/srv/app/user.js:12:18)
    at async Promise.all (index 0)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5) {
  code: 'E_USER',
  [cause]: Error: no connection
      at connect (/srv/app/db.js:3:9)
}
==
[2026-11-25T10:00:01Z] error: request failed
Error [ERR_HTTP_HEADERS_SENT]: Cannot set headers after they are sent to the client
    at ServerResponse.setHeader (node:_http_outgoing:652:11)
==
GET / 200
==
/srv/app/index.js:3
    throw new Error('no configuration');
    ^

Error: no configuration
    at Object.<anonymous> (/srv/app/index.js:3:11)
    at Module._compile (node:internal/modules/cjs/loader:1256:14)

Node.js v20.10.0
==
server listening on 8080
"#,
    );
}

#[test]
fn lines_without_a_trace_stay_alone() {
    for preset in Preset::ALL {
        check(
            preset,
            "10:00:00 INFO ready\n==\n10:00:01 ERROR disk full\n==\n10:00:02 ERROR disk full\n==\n10:00:03 done\n",
        );
    }
}
