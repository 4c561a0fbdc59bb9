"""
Reviews: a person decides on content in the Airflow UI, and the decision is carried out in Layers.

How a review works, from :class:`~airflow_provider_layers.operators.review.LayersReviewContentOperator` down:

1. **Read** (:mod:`.decision`, :mod:`.preview`). The containers are read. Each becomes a
   :class:`~.preview.ContentPreview`: what a person sees, with a *fingerprint* of everything that goes public.
   Containers whose approval is not pending are not asked about.
2. **Ask** (:mod:`.question`, :mod:`.markdown`). What is asked about has a *version* number, which rises
   whenever the fingerprints change. The question is Markdown around text that the API returned, with every
   mark escaped. Airflow keeps the first question of a task instance forever and ignores later ones, so the
   images and the card above them (:mod:`.card`) are URLs that the plugin serves, and always show the current
   version; the captions in the body belong to the first one.
3. **Answer** (:mod:`.question`). The person picks Approve, Reject or Regenerate. A
   :class:`~.question.ReviewAnswer` names the version it is for and carries the fingerprints that were shown.
   An answer for another version is refused with a *notice* on the card, and the task asks again.
4. **Decide** (:mod:`.decision`). The containers are read again. If a pending container no longer has the
   fingerprint that was shown, nothing is decided and the task asks about the new version. Otherwise each
   pending container is approved or rejected, under an idempotency key that includes the fingerprint. What
   was decided in Layers in the meantime stays as it is there and is reported as a conflict.
5. **Regenerate**. The answer starts one job, waits for it like any other job operator, and asks again.

Between these steps the task ends and resumes, and may crash, so the :class:`~.state.ReviewState` is saved
before each of them (:mod:`.state`): in the task state store on Airflow 3.3 and later, which outlives retries,
and in the XCom ``review``, from which the plugin draws the card.
"""
