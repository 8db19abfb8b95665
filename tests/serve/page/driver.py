"""What a reader of the page does, and what they see."""

from playwright.sync_api import Page


def ask(page: Page, instruction: str = "What is this?", best_of: int = 1) -> None:
    """Ask and wait for the verdict."""
    page.get_by_label("Instruction", exact=True).fill(instruction)
    page.get_by_label("Candidates").select_option(str(best_of))
    page.get_by_role("button", name="Ask").click()
    page.locator("#result[aria-busy=false]").wait_for()


def verdict(page: Page) -> str:
    """`Answered` or `Declined`."""
    return page.locator("#verdict").inner_text().strip()


def readout(page: Page) -> list[str]:
    """Coverage, threshold, mean quality and its lower bound, as they stand beside the slider."""
    return page.locator("#readout dd").all_inner_texts()


def promises(page: Page) -> dict[str, str]:
    """Model name → what the page says it does with this answer."""
    rows = page.locator("#promise-rows tr").all()
    return {row.locator("code").inner_text(): row.locator("td").last.inner_text().strip() for row in rows}
