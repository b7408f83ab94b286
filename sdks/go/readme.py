"""Runs the README's programs in an empty module that gets the SDK as a package; needs PARLEY_URL.

`scripts/with_server.py` starts the server; dist/go holds the package.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
BLOCKS = re.findall(r"^```go\n(.*?)^```$", (HERE / "README.md").read_text(), re.MULTILINE | re.DOTALL)
PRINTED = "http://localhost:8080"
IMPORTS = ("context", "errors", "fmt", "log", "net/http", "time")
MAIN = """
func main() {
	ctx := context.Background()
	client := parley.NewClient("http://localhost:8080")
	if _, err := client.LogIn(ctx, "ada@example.com", "secure_password"); err != nil {
		log.Fatal(err)
	}
	users, err := client.ListUsers(ctx, api.ListUsersQuery{Username: "bob"})
	if err != nil {
		log.Fatal(err)
	}
	bob := users.Users[0].ID
	mistakes(ctx, client, bob)
	patient().Close()
	failures := []error{sessions(ctx), pages(ctx, client, bob), events(ctx, client, bob)}
	failures = append(failures, missed(ctx, client, time.Now().Add(-time.Hour)))
	if err := errors.Join(failures...); err != nil {
		log.Fatal(err)
	}
	webhook, err := parley.NewWebhook("webhook_secret")
	if err != nil || receive(webhook, []byte("{}"), http.Header{}) != http.StatusUnauthorized {
		log.Fatal("what nobody signed was verified")
	}
	fmt.Println("done")
}
"""


def main() -> int:
    url = os.environ["PARLEY_URL"]
    with tempfile.TemporaryDirectory() as directory:
        quickstart, recipes = Path(directory, "quickstart"), Path(directory, "recipes")
        _module(quickstart, BLOCKS[0].replace(PRINTED, url))
        imports = "".join(f'\t"{name}"\n' for name in IMPORTS)
        module = re.search(r'"(\S+)/api"', BLOCKS[0])[1]  # type: ignore[index] # the first program imports it
        imports += f'\n\tparley "{module}"\n\t"{module}/api"\n\t"{module}/wire"\n'
        functions = "\n".join(BLOCKS[1:]) + MAIN
        _module(recipes, f"package main\n\nimport (\n{imports})\n\n{functions}".replace(PRINTED, url))
        with subprocess.Popen([quickstart / "program"], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            heard = [process.stdout.readline().strip() for _ in range(2)]
            process.terminate()
        assert heard == ["Hello, Bob!", "Hello, Ada!"], heard
        done = subprocess.run(
            [recipes / "program"], cwd=recipes, stdout=subprocess.PIPE, text=True, check=True
        )
        for line in ("ada", "content ", "now live", "missed, or known:", "done"):
            assert line in done.stdout, done.stdout
    print(f"All {len(BLOCKS)} programs of the README ran.")
    return 0


def _module(directory: Path, text: str) -> None:
    """Build a program in a module of its own, which knows only the proxies."""
    directory.mkdir()
    (directory / "main.go").write_text(text)
    proxies = subprocess.run(
        ["go", "env", "GOPROXY"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()
    own = (HERE.parents[1] / "dist" / "go").as_uri()
    # The SDK is not published, so no database of sums knows it; and it may have been built anew.
    variables = {"GOPROXY": f"{own},{proxies}", "GONOSUMDB": "github.com/your-org/*", "GOFLAGS": "-mod=mod"}
    variables["GOMODCACHE"] = str(directory / "modules")
    shared = subprocess.run(
        ["go", "env", "GOMODCACHE"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()
    variables["GOPROXY"] = f"{own},file://{shared}/cache/download,{proxies}"
    environment = {**os.environ, **variables}
    for command in (("mod", "init", "example"), ("mod", "tidy"), ("build", "-o", "program", ".")):
        subprocess.run(["go", *command], cwd=directory, env=environment, check=True, stderr=subprocess.PIPE)
    # Go makes its cache of modules read-only.
    subprocess.run(["go", "clean", "-modcache"], cwd=directory, env=environment, check=True)


if __name__ == "__main__":
    sys.exit(main())
