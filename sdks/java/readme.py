"""Runs the README's programs in an empty project that gets the SDK as a package; needs PARLEY_URL.

`scripts/with_server.py` starts the server; dist/java holds the package.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
README = (HERE / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```java\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
DEPENDENCY = re.findall(r"^```xml\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)[0]
POM = (HERE / "pom.xml").read_text(encoding="utf-8")
PRINTED = "http://localhost:8080"
PATIENCE = 120
IMPORTS = """
import dev.parley.sdk.*;
import dev.parley.sdk.api.*;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
"""
MAIN = """
static Client client;
static String bob;
static volatile boolean heard;

/** Without a cursor a listener hears what happens once it is live: so something does. */
static void write() {
    try {
        while (!heard) {
            client.sendMessage(new TextToReceiver(bob, "Are you there?"));
            Thread.sleep(100);
        }
    } catch (InterruptedException error) {
        throw new IllegalStateException(error);
    }
}

public static void main(String[] arguments) throws InterruptedException {
    try (Client made = new Client("http://localhost:8080")) {
        client = made;
        client.logIn("ada@example.com", "secure_password");
        bob = client.listUsers(new ListUsersQuery().username("bob")).users().get(0).id();
        sessions();
        mistakes();
        patient().close();
        pages();
        Thread writer = new Thread(Recipes::write);
        writer.start();
        events();
        heard = true;
        writer.join();
        missed(Instant.now().minus(Duration.ofDays(1)));
        handler();
        if (receive(new WebhookVerifier("webhook_secret"), new byte[0], name -> null) != 401) {
            throw new IllegalStateException("what nobody signed was verified");
        }
        System.out.println("done");
    }
}
"""


def main() -> int:
    url = os.environ["PARLEY_URL"]
    with tempfile.TemporaryDirectory() as directory:
        project = Path(directory)
        sources = project / "src" / "main" / "java"
        sources.mkdir(parents=True)
        (sources / "QuickStart.java").write_text(BLOCKS[0].replace(PRINTED, url))
        recipes = "\n".join([*BLOCKS[1:], MAIN]).replace(PRINTED, url)
        (sources / "Recipes.java").write_text(f"{IMPORTS}\npublic class Recipes {{\n{recipes}\n}}\n")
        command = ["java", "-XX:TieredStopAtLevel=1", "-cp", _class_path(project)]
        with subprocess.Popen([*command, "QuickStart"], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            heard = [process.stdout.readline().strip() for _ in range(2)]
            process.terminate()
        assert heard == ["Hello, Bob!", "Hello, Ada!"], heard
        done = subprocess.run(
            [*command, "Recipes"],
            cwd=project,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=PATIENCE,
        ).stdout
        for line in (
            "ada",
            "content ",
            "now live",
            "missed, or known",
            "heard message",
            "nothing new",
            "done",
        ):
            assert line in done, done
    print(f"All {len(BLOCKS)} programs of the README ran.")
    return 0


def _class_path(project: Path) -> str:
    """Compile the project with what its only dependency brings along, and return its class path."""
    repository = (ROOT / "dist" / "java").as_uri()
    (project / "pom.xml").write_text(
        f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>example</groupId>
  <artifactId>example</artifactId>
  <version>1</version>
  {re.findall(r"<properties>.*</properties>", POM, re.DOTALL)[0]}
  <repositories><repository><id>dist</id><url>{repository}</url></repository></repositories>
  <dependencies>{DEPENDENCY}</dependencies>
  {re.findall(r"<build>.*</build>", POM, re.DOTALL)[0]}
</project>
"""
    )
    # A version that was fetched is not fetched again, and this one may have been built anew.
    shutil.rmtree(ROOT / ".sdks" / "maven" / "dev" / "parley", ignore_errors=True)
    goals = ["compile", "dependency:build-classpath", "-Dmdep.outputFile=class-path"]
    subprocess.run(["sh", str(HERE / "mvn.sh"), *goals], cwd=project, check=True)
    return os.pathsep.join([str(project / "build" / "classes"), (project / "class-path").read_text().strip()])


if __name__ == "__main__":
    sys.exit(main())
