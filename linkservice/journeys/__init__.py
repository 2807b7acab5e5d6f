"""Why a link exists: journeys, their stages and touchpoints, reach and campaigns."""
