"""Deploys the template to MiniStack, an AWS on this machine, and serves it as one site.

The functions are the real binaries, which MiniStack runs as Lambda would, each under its
role, with every call checked against the role's policies. ECS would need containers, so
the streamer is started here, as its task definition says. CloudFront's part is played by
edge/, with the paths that the distribution has.

    .venv/sam/bin/python infra/ministack/run.py [test]

With test: the end-to-end tests that take seconds run against it; then the tour again, when the functions
may no longer publish, so that the relay delivers alone; then everything stops.
"""

import json
import mimetypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import boto3
from samcli.yamlhelper import yaml_dump, yaml_parse

TOP = pathlib.Path(__file__).resolve().parents[2]
WORK = pathlib.Path(tempfile.mkdtemp(prefix="tidings-ministack-"))
REGION, ACCOUNT, STACK = "us-east-1", "000000000000", "tidings"

# What MiniStack 1.5.33 can't make, besides alarms of computed metrics. None of it is on
# the way of a request here.
ABSENT = {
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::CloudFront::VpcOrigin",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
}

processes = []


def main():
    endpoint, site = f"http://127.0.0.1:{free_port()}", f"http://localhost:{free_port(os.environ.get('PORT'))}"
    environment(endpoint)
    shutil.copytree(TOP / "infra", WORK / "infra", ignore=shutil.ignore_patterns("ministack", "requirements"))
    for name in ["template.yaml", *(p.relative_to(TOP) for p in (TOP / "infra").glob("*.yaml"))]:
        (WORK / name).write_text(yaml_dump(for_ministack(yaml_parse((TOP / name).read_text()))))
    run("make", "-s", "-C", TOP, "build", f"ARCH={go_arch()}", f"OUT={WORK / 'bin'}")
    start_ministack(endpoint)
    deploy(site)
    outputs = stack_outputs(STACK)
    start_streamer(outputs)
    start_edge(site, endpoint)
    print(f"\nTidings on MiniStack: {site}   (AWS: {endpoint}, logs: {WORK})\n", flush=True)
    if sys.argv[1:] != ["test"]:
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
        return 0
    go_test(site, "^(TestTour|TestFrames.*|TestLogoutEndsTheStream)$")
    sweep(outputs["TopicArn"])
    silence_functions()
    go_test(site, "^TestTour$", RELAY_ALONE="1")
    return 0


def go_test(site, tests, **env):
    run("go", "test", "./local", "-count=1", "-run", tests, cwd=TOP, env=os.environ | {"TIDINGS_URL": site} | env)


def environment(endpoint):
    for name in list(os.environ):
        if name.startswith("AWS_"):
            del os.environ[name]
    os.environ |= {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "SAM_CLI_TELEMETRY": "0",
    }


def for_ministack(template):
    """The template without what MiniStack can't make, and without containers."""
    absent = {name for name, r in template["Resources"].items() if r["Type"] in ABSENT or r["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in r["Properties"]}

    def cut(node):
        if isinstance(node, list):
            return [cut(v) for v in node]
        if not isinstance(node, dict):
            return node
        target = node.get("Ref") or node.get("Fn::GetAtt")
        if target and (target[0] if isinstance(target, list) else target.split(".")[0]) in absent:
            return "absent"
        return {k: [d for d in v if d not in absent] if k == "DependsOn" and isinstance(v, list) else cut(v) for k, v in node.items()}

    template["Resources"] = {k: cut(v) for k, v in template["Resources"].items() if k not in absent}
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::ECS::Service":
            resource["Properties"]["DesiredCount"] = 0
    return template


def start_ministack(endpoint):
    start(
        "ministack",
        TOP / ".venv/ministack/bin/ministack",
        env=os.environ | {"AUTH": "true", "BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "GATEWAY_PORT": endpoint.rsplit(":", 1)[1]},
        ready=f"{endpoint}/_localstack/health",
    )


def deploy(site):
    run(
        pathlib.Path(sys.executable).parent / "sam", "deploy", "--template-file", "template.yaml",
        "--stack-name", STACK, "--resolve-s3", "--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", "--no-progressbar",
        "--parameter-overrides", "Stage=ministack", "StreamerImage=none:none", f"AllowedOrigins={site}",
    )  # fmt: skip


def stack_outputs(stack):
    described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {o["OutputKey"]: o["OutputValue"] for o in described["Outputs"]}


def start_streamer(outputs):
    """Runs the streamer with the environment and the rights of its task."""
    task = boto3.client("ecs").describe_task_definition(taskDefinition=outputs["TaskDefinition"])["taskDefinition"]
    env = {e["name"]: str(e.get("value", "")) for e in task["containerDefinitions"][0]["environment"]}
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=outputs["SessionKeyArn"])  # MiniStack's task has lost it
    env["SESSION_KEYS"] = secret["SecretString"]
    key = user_of(task["taskRoleArn"].rsplit("/", 1)[1])
    env |= {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
        "AWS_REGION": REGION,
        "PORT": str(free_port()),
        "METRICS_PORT": "0",
    }
    os.environ["STREAMER_URL"] = f"http://127.0.0.1:{env['PORT']}"
    start("streamer", WORK / "bin/streamer", env=env, ready=os.environ["STREAMER_URL"] + "/readyz")


def user_of(role):
    """A key with the role's rights: only ECS may take the role itself."""
    iam = boto3.client("iam")
    iam.create_user(UserName="streamer")
    policy = iam.get_role_policy(RoleName=role, PolicyName="calls")["PolicyDocument"]
    iam.put_user_policy(UserName="streamer", PolicyName="calls", PolicyDocument=json.dumps(policy))
    return iam.create_access_key(UserName="streamer")["AccessKey"]


def start_edge(site, endpoint):
    cloudfront = boto3.client("cloudfront")
    distribution = cloudfront.list_distributions()["DistributionList"]["Items"][0]["Id"]
    config = cloudfront.get_distribution_config(Id=distribution)["DistributionConfig"]
    hosts = {o["Id"]: o["DomainName"] for o in config["Origins"]["Items"]}
    origins = {
        "streamer": os.environ["STREAMER_URL"],
        "api": endpoint + "#" + hosts["api"].split(".")[0] + ".execute-api.localhost",
        "web": endpoint + "/" + hosts["web"].split(".")[0],
    }
    upload(hosts["web"].split(".")[0])
    routes = [f"{b['PathPattern']}={origins[b['TargetOriginId']]}" for b in config["CacheBehaviors"]["Items"]]
    default = origins[config["DefaultCacheBehavior"]["TargetOriginId"]]
    run("go", "build", "-o", WORK / "bin/edge", "./infra/ministack/edge", cwd=TOP)
    start("edge", WORK / "bin/edge", "-listen", site.removeprefix("http://"), *routes, f"*={default}", ready=site + "/api/auth/session")


def upload(bucket):
    """Puts the web app where the site looks for it, if it is built (make web)."""
    s3, app = boto3.client("s3"), TOP / "web/dist"
    s3.delete_public_access_block(Bucket=bucket)  # edge/ doesn't sign as CloudFront does
    anybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [anybody]}))
    for file in app.rglob("*.*"):
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        s3.put_object(Bucket=bucket, Key=str(file.relative_to(app)), Body=file.read_bytes(), ContentType=kind)


def sweep(topic):
    """The janitor removes a queue that its streamer left behind."""
    sqs = boto3.client("sqs")
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*", "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
    dead = sqs.create_queue(QueueName="tidings-streamer-dead", Attributes={"Policy": policy}, tags={"tidings:lease": "2020-01-01T00:00:00Z"})["QueueUrl"]
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:tidings-streamer-"
    sns = boto3.client("sns")
    for name in ["dead", "long-gone"]:
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue + name)
    janitor = boto3.client("cloudformation").describe_stack_resource(StackName=STACK, LogicalResourceId="JanitorFunction")
    answer = boto3.client("lambda").invoke(FunctionName=janitor["StackResourceDetail"]["PhysicalResourceId"])
    if "FunctionError" in answer:
        sys.exit(f"janitor: {answer['Payload'].read()}")
    left = [s["Endpoint"] for s in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]]
    if len(left) != 1 or dead in sqs.list_queues().get("QueueUrls", []):
        sys.exit(f"janitor left {left}")


def silence_functions():
    """Takes the right to publish from the functions, so that the relay alone is left."""
    iam = boto3.client("iam")
    functions = boto3.client("lambda").list_functions()["Functions"]
    for role in {f["Role"].rsplit("/", 1)[1] for f in functions if "Relay" not in f["FunctionName"] and "Janitor" not in f["FunctionName"]}:
        policy = iam.get_role_policy(RoleName=role, PolicyName="calls")["PolicyDocument"]
        policy["Statement"] = [s for s in policy["Statement"] if s["Action"] != "sns:Publish"]
        iam.put_role_policy(RoleName=role, PolicyName="calls", PolicyDocument=json.dumps(policy))


def start(name, *command, env=None, ready):
    log = open(WORK / f"{name}.log", "w")
    p = subprocess.Popen([str(c) for c in command], env=env, stdout=log, stderr=log)
    processes.append(p)
    for _ in range(300):
        try:
            urllib.request.urlopen(ready, timeout=5)
            return
        except urllib.error.HTTPError as e:
            if e.code in (401, 404):
                return
        except OSError:
            pass
        if p.poll() is not None:
            break
        time.sleep(0.1)
    sys.exit(f"{name} did not start:\n" + (WORK / f"{name}.log").read_text()[-4000:])


def run(*command, cwd=WORK, env=None):
    if subprocess.call([str(c) for c in command], cwd=cwd, env=env) != 0:
        sys.exit(f"{command[0]} failed")


def go_arch():
    return subprocess.check_output(["go", "env", "GOARCH"], text=True).strip()


def free_port(wanted=None):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", int(wanted or 0)))
        return s.getsockname()[1]


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    code = 1
    try:
        code = main()
    finally:
        for p in reversed(processes):
            p.terminate()
        for p in processes:
            try:
                p.wait(60)
            except subprocess.TimeoutExpired:
                p.kill()
        if code == 0:
            shutil.rmtree(WORK)
    sys.exit(code)
