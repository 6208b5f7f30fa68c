# S3 storage of a Loki and the role that its pods use. README.md says what each choice is for.

data "aws_partition" "current" {}

data "aws_caller_identity" "current" {
  count = var.create_kms_key ? 1 : 0
}

locals {
  buckets = toset(concat(["chunks", "ruler"], var.create_admin_bucket ? ["admin"] : []))

  # From the names and not from the resources, so that a plan shows the policies as they will be.
  bucket_names = { for bucket in local.buckets : bucket => "${var.name_prefix}-${bucket}" }
  bucket_arns  = { for bucket, name in local.bucket_names : bucket => "arn:${data.aws_partition.current.partition}:s3:::${name}" }

  uses_kms    = var.create_kms_key || var.kms_key_arn != null
  kms_key_arn = var.create_kms_key ? aws_kms_key.this[0].arn : var.kms_key_arn

  tags = merge(var.tags, {
    component   = "loki"
    cluster     = var.cluster
    cost-center = var.cost_center
  })

  # What S3 bills at least for an object in the class; one that is deleted earlier is billed for the rest.
  minimum_storage_days = { INTELLIGENT_TIERING = 0, STANDARD_IA = 30, GLACIER_IR = 90 }

  # The same tenants that the chunks' keys begin with. index/ and loki_cluster_seed.json belong to no tenant and get no such rule.
  tenant_rules = {
    for tenant, days in var.tenant_retention_days : tenant => {
      expiration_days = days + var.expiration_grace_days
      tiered          = var.tiering == null ? false : days - var.tiering.days >= max(1, lookup(local.minimum_storage_days, var.tiering.storage_class, 0))
    }
  }
  tiered_tenants = sort([for tenant, rule in local.tenant_rules : tenant if rule.tiered])

  oidc_issuer     = var.oidc_provider_arn == null ? null : replace(var.oidc_provider_arn, "/^.*:oidc-provider\\//", "")
  service_account = split(":", var.namespace_service_accounts[0])
}

resource "aws_s3_bucket" "this" {
  for_each = local.buckets

  bucket        = local.bucket_names[each.key]
  force_destroy = var.force_destroy
  tags          = local.tags
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = local.buckets

  bucket                  = aws_s3_bucket.this[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  versioning_configuration {
    status = var.versioning ? "Enabled" : "Suspended"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    # Without a bucket key every chunk is a request to KMS, which costs more than the storage.
    bucket_key_enabled = local.uses_kms

    apply_server_side_encryption_by_default {
      sse_algorithm     = local.uses_kms ? "aws:kms" : "AES256"
      kms_master_key_id = local.uses_kms ? local.kms_key_arn : null
    }
  }

  lifecycle {
    precondition {
      condition     = !(var.create_kms_key && var.kms_key_arn != null)
      error_message = "Either kms_key_arn or create_kms_key: with both it is not clear which key the logs are encrypted with."
    }
  }
}

data "aws_iam_policy_document" "bucket" {
  for_each = local.buckets

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [local.bucket_arns[each.key], "${local.bucket_arns[each.key]}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id
  policy = data.aws_iam_policy_document.bucket[each.key].json

  # S3 refuses two changes of a bucket's access at once.
  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_bucket_logging" "this" {
  for_each = var.access_logs == null ? toset([]) : local.buckets

  bucket        = aws_s3_bucket.this[each.key].id
  target_bucket = var.access_logs.bucket
  target_prefix = "${local.bucket_names[each.key]}/"
}

# Loki's compactor deletes what is older than a tenant's retention. These rules delete what it left, should it be down for longer than the grace.
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  dynamic "rule" {
    for_each = each.key == "chunks" ? local.tenant_rules : {}

    content {
      id     = "tenant-${rule.key}"
      status = "Enabled"

      filter {
        prefix = "${rule.key}/"
      }

      expiration {
        days = rule.value.expiration_days
      }

      dynamic "transition" {
        for_each = rule.value.tiered ? [var.tiering] : []

        content {
          days          = transition.value.days
          storage_class = transition.value.storage_class
        }
      }
    }
  }

  # For the whole bucket and yet harmless to index/: nothing here touches the current version of an object.
  rule {
    id     = "noncurrent-versions-and-unfinished-uploads"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.noncurrent_version_days
    }

    expiration {
      expired_object_delete_marker = true
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  lifecycle {
    precondition {
      condition     = alltrue([for tenant, rule in local.tenant_rules : rule.expiration_days > var.tenant_retention_days[tenant]])
      error_message = "A lifecycle rule would delete before Loki's retention ends: the index would name chunks that are gone."
    }

    precondition {
      condition     = var.tiering == null || length(local.tiered_tenants) > 0
      error_message = "tiering would apply to no tenant: none keeps its logs so long after tiering.days that the class's minimum (STANDARD_IA 30 days, GLACIER_IR 90) is used up; an object that is deleted earlier is billed for the rest, so it costs more than STANDARD. Remove tiering or lower tiering.days."
    }
  }

  # Noncurrent rules of a bucket whose versioning is not on yet are refused.
  depends_on = [aws_s3_bucket_versioning.this]
}

data "aws_iam_policy_document" "key" {
  count = var.create_kms_key ? 1 : 0

  statement {
    sid       = "AccountByItsIamPolicies"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current[0].account_id}:root"]
    }
  }
}

resource "aws_kms_key" "this" {
  count = var.create_kms_key ? 1 : 0

  description             = "Logs of Loki in ${var.name_prefix}-*"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.key[0].json
  tags                    = local.tags
}

resource "aws_kms_alias" "this" {
  count = var.create_kms_key ? 1 : 0

  name          = "alias/${var.name_prefix}-loki"
  target_key_id = aws_kms_key.this[0].key_id
}

data "aws_iam_policy_document" "trust" {
  dynamic "statement" {
    for_each = var.oidc_provider_arn == null ? [] : [var.oidc_provider_arn]

    content {
      sid     = "ServiceAccounts"
      actions = ["sts:AssumeRoleWithWebIdentity"]

      principals {
        type        = "Federated"
        identifiers = [statement.value]
      }

      # Both, and both exact: without the subject any pod of the cluster could take the role, without the audience any token of the issuer.
      condition {
        test     = "StringEquals"
        variable = "${local.oidc_issuer}:sub"
        values   = [for account in var.namespace_service_accounts : "system:serviceaccount:${account}"]
      }

      condition {
        test     = "StringEquals"
        variable = "${local.oidc_issuer}:aud"
        values   = ["sts.amazonaws.com"]
      }
    }
  }

  # A statement for each account: the namespace of one with the name of another must not fit.
  dynamic "statement" {
    for_each = var.pod_identity ? var.namespace_service_accounts : []

    content {
      sid     = "PodIdentity${statement.key}"
      actions = ["sts:AssumeRole", "sts:TagSession"]

      principals {
        type        = "Service"
        identifiers = ["pods.eks.amazonaws.com"]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:RequestTag/kubernetes-namespace"
        values   = [split(":", statement.value)[0]]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:RequestTag/kubernetes-service-account"
        values   = [split(":", statement.value)[1]]
      }
    }
  }
}

# The four actions that Loki's documentation asks for, and nothing else: without DeleteObject its compactor cannot delete, and retention does nothing.
data "aws_iam_policy_document" "loki" {
  statement {
    sid       = "ListBuckets"
    actions   = ["s3:ListBucket"]
    resources = sort(values(local.bucket_arns))
  }

  statement {
    sid       = "ReadWriteDeleteObjects"
    actions   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    resources = [for arn in sort(values(local.bucket_arns)) : "${arn}/*"]
  }

  dynamic "statement" {
    for_each = local.uses_kms ? [local.kms_key_arn] : []

    content {
      sid       = "EncryptAndDecrypt"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role" "loki" {
  name                 = "${var.name_prefix}-loki"
  description          = "Loki's pods: the buckets ${join(", ", sort(values(local.bucket_names)))}"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = local.tags

  lifecycle {
    precondition {
      condition     = var.oidc_provider_arn != null || var.pod_identity
      error_message = "Nobody could use the role: give oidc_provider_arn (IRSA) or pod_identity = true."
    }
  }
}

resource "aws_iam_policy" "loki" {
  name        = "${var.name_prefix}-loki"
  description = "What Loki does in its buckets: list, read, write, delete"
  policy      = data.aws_iam_policy_document.loki.json
  tags        = local.tags
}

resource "aws_iam_role_policy_attachment" "loki" {
  role       = aws_iam_role.loki.name
  policy_arn = aws_iam_policy.loki.arn
}
