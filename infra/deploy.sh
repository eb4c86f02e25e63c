#!/usr/bin/env bash
# Deploys the stack with an image of the streamer, then the web app beside it.
#
#   infra/deploy.sh <sam> <image>     PARAMETERS="AlarmEmail=ops@example.org …" STAGE=staging
#
# The image is taken by its digest, so that a tag that is pushed again changes nothing
# that runs. Parameters that aren't given keep the values that the stack has.
set -euo pipefail
sam=$1 image=$2
environment=${STAGE:+--config-env $STAGE}
repository=${image%:*} tag=${image##*:}

digest=$(aws ecr describe-images --repository-name "${repository#*/}" --image-ids "imageTag=$tag" --query 'imageDetails[0].imageDigest' --output text)
# shellcheck disable=SC2086 # both are lists of words
"$sam" deploy $environment --parameter-overrides "Stage=${STAGE:-prod}" "StreamerImage=$repository@$digest" ${PARAMETERS:-}

stack=tidings${STAGE:+-$STAGE}
output() { aws cloudformation describe-stacks --stack-name "$stack" --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue" --output text; }
bucket=s3://$(output WebBucket)
# First the files with a hash in their names, which the pages ask for, then the pages;
# what the last build had goes at the end.
aws s3 sync web/dist/assets "$bucket/assets" --cache-control 'public, max-age=31536000, immutable'
aws s3 sync web/dist "$bucket" --exclude 'assets/*' --cache-control no-cache
aws s3 sync web/dist "$bucket" --delete --size-only
aws cloudfront create-invalidation --distribution-id "$(output DistributionId)" --paths '/*' --query Invalidation.Id --output text
echo "Tidings: $(output SiteUrl)"
